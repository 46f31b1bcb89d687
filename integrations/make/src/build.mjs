// Writes the app's files into app/ from the definitions beside this file, openapi.yaml and the golden events of integrations/samples:
// npm run build. With --check it writes nothing, and fails where a file is not what it would write.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { base, connection, valid } from './base.mjs';
import { actions } from './actions.mjs';
import { answerOf, events, example, fields, operations } from './openapi.mjs';
import { limit } from './params.mjs';
import { rpcs } from './rpcs.mjs';
import { searches } from './searches.mjs';
import { hook, triggers } from './triggers.mjs';
import { universal } from './universal.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const CONNECTION = 'switchhook';
const GROUPS = ['Messages', 'Posts', 'Contacts', 'WhatsApp sessions', 'Channels', 'Events', 'Other'];

const golden = (event) => JSON.parse(fs.readFileSync(path.join(root, '../samples', `${event}.json`), 'utf8'));
const kebab = (id) => id.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

// addressOf is the path of an operation, with the parameter that names the thing in its place.
const addressOf = ({ path: at }, params) => {
  const named = params.find(({ name }) => /^(session|message|post|contact|channel)Id$|^event$/.test(name));
  return at.replace(/\{\w+\}/, `{{parameters.${named?.name}}}`);
};

const request = ({ operation, params, body, once }) => ({
  url: addressOf(operations[operation], params),
  method: operations[operation].method,
  ...(once && { headers: { 'Idempotency-Key': '{{parameters.idempotencyKey}}' } }),
  ...(body && { body }),
});

const PNG = { name: 'qr.png', type: 'image/png' };

// answers says how an action's answer is read, what comes out, and what that looks like.
const answers = (action) => {
  const schema = answerOf(operations[action.operation]);
  if (!schema) {
    const id = action.params[0].name;
    const spec = [
      { name: 'id', type: action.params[0].type, label: action.params[0].label },
      { name: 'deleted', type: 'boolean', label: 'Deleted' },
    ];
    return { response: { output: { id: `{{parameters.${id}}}`, deleted: true } }, interface: spec, samples: { id: 123, deleted: true } };
  }
  if (action.picture) {
    const spec = [
      { name: 'fileName', type: 'filename', label: 'File name' },
      { name: 'contentType', type: 'text', label: 'Content type' },
      { name: 'data', type: 'buffer', label: 'Data' },
    ];
    return {
      response: {
        type: { 200: 'binary', '400-599': 'automatic', '*': 'json' },
        valid: valid("{{headers.`content-type` == 'image/png'}}"),
        output: { fileName: PNG.name, contentType: PNG.type, data: '{{body}}' },
      },
      interface: spec,
      samples: { fileName: PNG.name, contentType: PNG.type },
    };
  }
  return { response: { valid: valid(action.valid ?? '{{body.id}}'), output: '{{body}}' }, interface: fields(schema), samples: example(schema) };
};

const actionFiles = (action) => {
  const { response, ...shown } = answers(action);
  const communication = { ...request(action), ...(action.picture && { qs: { format: 'png' } }), response };
  return { communication, mappableParams: action.params, ...shown };
};

// Only what the server pages has a limit; a page is as large as that, and 100 at most.
const searchFiles = (search) => {
  const { properties } = answerOf(operations[search.operation]);
  const row = properties.data.items;
  const communication = { ...request(search) };
  if (search.params.includes(limit)) {
    const filters = search.params.filter((one) => one !== limit).map(({ name }) => [name, `{{parameters.${name}}}`]);
    communication.qs = { ...Object.fromEntries(filters), limit: '{{if(parameters.limit < 100, parameters.limit, 100)}}' };
    communication.response = { limit: '{{parameters.limit}}', iterate: '{{body.data}}', output: '{{item}}' };
    communication.pagination = { mergeWithParent: true, qs: { cursor: '{{body.nextCursor}}' }, condition: '{{body.nextCursor}}' };
  } else {
    communication.response = { iterate: '{{body.data}}', output: '{{item}}' };
  }
  return { communication, mappableParams: search.params, interface: fields(row), samples: example(row) };
};

const triggerFiles = ({ event }) => ({
  communication: {},
  interface: event ? fields(events[event]) : fields(answerOf(operations.getEventSample)),
  samples: golden(event ?? 'message.received'),
});

const webhookFiles = (trigger) => ({
  communication: { output: '{{body}}' },
  params: trigger.params,
  attach: {
    url: operations.createWebhook.path,
    method: 'POST',
    body: {
      url: '{{webhook.url}}',
      events: trigger.event ? [trigger.event] : '{{parameters.events}}',
      ...(trigger.params.some(({ name }) => name === 'channelIds') && { channelIds: '{{parameters.channelIds}}' }),
      description: `Make: ${trigger.label}`,
    },
    response: { valid: valid('{{body.id}}'), data: { externalHookId: '{{body.id}}' } },
  },
  detach: { url: '/v1/webhooks/{{webhook.externalHookId}}', method: 'DELETE' },
});

const out = new Map();
const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

// put keeps the files of a component and returns where they are.
const put = (folder, id, files) =>
  Object.fromEntries(
    Object.entries(files).map(([kind, value]) => {
      const name = `${folder}/${kebab(id)}/${kebab(id)}.${kebab(kind)}.iml.json`;
      out.set(name, json(value));
      return [kind, name];
    }),
  );

const modules = [
  ...triggers.map((one) => [one, { moduleType: 'instant_trigger', webhook: hook(one) }, triggerFiles(one)]),
  ...actions.map((one) => [one, { moduleType: 'action', actionCrud: one.crud }, actionFiles(one)]),
  ...searches.map((one) => [one, { moduleType: 'search' }, searchFiles(one)]),
  [universal, { moduleType: 'universal' }, universal.files],
];

const table = (entries) => Object.fromEntries(entries);
const manifest = {
  fileVersion: 1,
  generalCodeFiles: { base: 'general/base.iml.json', common: 'general/common.json', readme: 'README.md', groups: 'modules/groups.json' },
  components: {
    connection: { [CONNECTION]: { label: 'Switchhook', connectionType: 'basic', codeFiles: put('connections', CONNECTION, connection) } },
    webhook: table(
      triggers.map((one) => [
        hook(one),
        {
          label: one.label,
          webhookType: 'web',
          connection: CONNECTION,
          codeFiles: put('webhooks', hook(one), webhookFiles(one)),
        },
      ]),
    ),
    module: table(
      modules.map(([{ id, label, description }, kind, files]) => [
        id,
        {
          label,
          description,
          ...kind,
          connection: kind.webhook ? null : CONNECTION,
          codeFiles: put('modules', id, files),
        },
      ]),
    ),
    rpc: table(
      Object.entries(rpcs).map(([id, { label, communication }]) => [
        id,
        { label, connection: CONNECTION, codeFiles: put('rpcs', id, { communication }) },
      ]),
    ),
    function: {},
    endpoint: {},
  },
  origins: [],
};
const groups = GROUPS.map((label) => ({ label, modules: modules.filter(([one]) => one.group === label).map(([one]) => one.id) }));

out.set('makecomapp.json', json(manifest));
out.set('general/base.iml.json', json(base));
out.set('general/common.json', json({}));
out.set('modules/groups.json', json(groups));
out.set('README.md', fs.readFileSync(path.join(root, 'src/readme.md'), 'utf8'));

const app = path.join(root, 'app');
const there = fs.existsSync(app)
  ? fs
      .readdirSync(app, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => path.relative(app, path.join(one.parentPath ?? one.path, one.name)))
  : [];

if (process.argv.includes('--check')) {
  const stale = [...out]
    .filter(([name, text]) => !there.includes(name) || fs.readFileSync(path.join(app, name), 'utf8') !== text)
    .map(([name]) => name);
  const extra = there.filter((name) => !out.has(name));
  if (stale.length || extra.length) {
    console.error(`These files of app/ are not what npm run build writes; run it: ${[...stale, ...extra].join(', ')}`);
    process.exitCode = 1;
  }
} else {
  for (const name of there) if (!out.has(name)) fs.rmSync(path.join(app, name));
  for (const [name, text] of out) {
    fs.mkdirSync(path.dirname(path.join(app, name)), { recursive: true });
    fs.writeFileSync(path.join(app, name), text);
  }
}
