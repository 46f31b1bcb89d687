// Every file has the form that Make wants.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { app, folder, read } from './files.mjs';

const schema = JSON.parse(fs.readFileSync(new URL('../schema/app.schema.json', import.meta.url), 'utf8'));
const ajv = new Ajv({ allErrors: true, strict: false, formats: { regex: true } }).addSchema(schema);
const check = (definition, value) => {
  const validate = ajv.getSchema(`${schema.$id}#/definitions/${definition}`);
  return validate(value) ? [] : validate.errors.map(({ instancePath, message }) => `${instancePath} ${message}`);
};

// What each code file of each kind of component holds.
const HOLDS = {
  connection: { communication: 'request', params: 'fields' },
  webhook: { communication: 'received', params: 'fields', attach: 'request', detach: 'request' },
  module: { communication: 'request', mappableParams: 'fields', interface: 'fields', samples: 'samples' },
  rpc: { communication: 'request' },
};

test('The manifest names every component, and every file of the app is named in it once', () => {
  assert.deepEqual(check('manifest', app.manifest), []);
  const named = [
    ...Object.values(app.manifest.generalCodeFiles),
    ...Object.values(app.manifest.components)
      .flatMap((all) => Object.values(all))
      .flatMap(({ codeFiles }) => Object.values(codeFiles)),
  ];
  const there = fs
    .readdirSync(folder, { recursive: true })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.\w+$/.test(name));
  assert.deepEqual([...named, 'makecomapp.json'].sort(), there.sort());
});

test('Base, common data and groups have their form', () => {
  const files = app.manifest.generalCodeFiles;
  assert.deepEqual(check('base', read(files.base)), []);
  assert.deepEqual(check('nothing', read(files.common)), []);
  assert.deepEqual(check('groups', read(files.groups)), []);
});

test('Every code file has the form of its kind', () => {
  for (const [kind, all] of Object.entries(app.manifest.components)) {
    for (const [id, { moduleType, codeFiles }] of Object.entries(all)) {
      for (const [code, name] of Object.entries(codeFiles)) {
        const definition = moduleType === 'instant_trigger' && code === 'communication' ? 'nothing' : HOLDS[kind][code];
        assert.ok(definition, `${kind} ${id} has no code file of the kind ${code}`);
        assert.deepEqual(check(definition, read(name)), [], name);
      }
    }
  }
});

test('The schema sees what Make would refuse', () => {
  const good = app.module.sendMessage.communication;
  const { body, ...without } = good;
  const { id, ...rest } = { id: 1, name: 'a', type: 'text', label: 'A' };
  assert.ok(body && id);
  for (const [definition, value] of [
    ['request', { ...without, bdy: body }],
    ['request', without],
    ['request', { ...good, method: 'SEND' }],
    ['request', { ...good, url: 'https://elsewhere.example.com/v1/me' }],
    ['request', { ...good, response: { ...good.response, valid: { ...good.response.valid, type: 'SomeError' } } }],
    ['fields', [{ ...rest, type: 'dropdown' }]],
    ['fields', [{ ...rest, type: 'select' }]],
    ['fields', [{ ...rest, label: 'lower' }]],
    ['fields', [{ ...rest, colour: 'red' }]],
    ['manifest', { ...app.manifest, origins: undefined }],
    ['manifest', { ...app.manifest, components: { ...app.manifest.components, endpoint: undefined } }],
    ['groups', [{ label: 'Empty', modules: [] }]],
    ['samples', 'rpc://sample'],
  ])
    assert.notDeepEqual(check(definition, JSON.parse(JSON.stringify(value))), [], JSON.stringify(value).slice(0, 80));
  assert.deepEqual(check('request', good), []);
  assert.deepEqual(check('fields', [rest]), []);
});

test('The files are what the build writes from the definitions, openapi.yaml and the golden events: run npm run build where they differ', () => {
  const { status, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL('../src/build.mjs', import.meta.url)), '--check'], {
    encoding: 'utf8',
  });
  assert.deepEqual([status, stderr], [0, '']);
});
