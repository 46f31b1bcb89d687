// Plays an app of Make against a server, as Make would: connection, lists, webhooks, modules. It knows what this app uses and refuses the rest.
import fs from 'node:fs';
import path from 'node:path';
import { evaluate } from './iml.mjs';
import { fill } from './form.mjs';
import { perform } from './request.mjs';

// load reads an app's files: the manifest, and each component with what its code files hold.
export const load = (folder) => {
  const json = (name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8'));
  const manifest = json('makecomapp.json');
  const component = ({ codeFiles, ...rest }) => ({
    ...rest,
    ...Object.fromEntries(Object.entries(codeFiles).map(([kind, name]) => [kind, json(name)])),
  });
  const kinds = Object.entries(manifest.components).map(([kind, all]) => [
    kind,
    Object.fromEntries(Object.entries(all).map(([id, one]) => [id, component(one)])),
  ]);
  return { manifest, base: json(manifest.generalCodeFiles.base), groups: json(manifest.generalCodeFiles.groups), ...Object.fromEntries(kinds) };
};

export class Player {
  constructor(folder) {
    this.app = load(folder);
    this.log = []; // what Make would show in its log, secrets taken out
    this.connection = {};
  }

  // connect makes a connection of what a person enters, and returns the name that Make shows for it.
  async connect(given) {
    const [{ communication, params }] = Object.values(this.app.connection);
    const parameters = fill(params, given);
    const { scope } = await perform(communication, { headers: {}, response: {} }, { parameters }, this.log);
    this.connection = parameters;
    return evaluate(communication.response.metadata.value, scope);
  }

  variables(parameters) {
    return { connection: this.connection, parameters };
  }

  // rpc returns the rows of a list.
  async rpc(id, parameters = {}) {
    return (await perform(this.app.rpc[id].communication, this.app.base, this.variables(parameters), this.log)).bundles;
  }

  // attach makes the webhook of a trigger, at an address of Make's, and returns what is kept of it.
  async attach(id, given, url) {
    const { params, attach } = this.app.webhook[id];
    const { scope } = await perform(attach, this.app.base, { ...this.variables(fill(params, given)), webhook: { url } }, this.log);
    return { id, url, ...evaluate(attach.response.data, scope) };
  }

  // detach ends the webhook of a trigger.
  async detach(webhook) {
    await perform(this.app.webhook[webhook.id].detach, this.app.base, { ...this.variables({}), webhook }, this.log);
  }

  // receive returns the bundle that a delivery to a webhook starts a scenario with.
  receive(webhook, body) {
    return evaluate(this.app.webhook[webhook.id].communication.output, { body, webhook });
  }

  // run runs a module and returns its bundles.
  async run(id, given = {}) {
    const { communication, mappableParams } = this.app.module[id];
    return (await perform(communication, this.app.base, this.variables(fill(mappableParams, given)), this.log)).bundles;
  }
}
