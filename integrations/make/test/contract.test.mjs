// The app asks the server only for what openapi.yaml promises, and promises only what the server gives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, api, bodyOf, events, operations, resolve } from '../src/openapi.mjs';
import { expressions, parse } from '../player/iml.mjs';
import { app, goldenEvents, requests } from './files.mjs';

const modules = Object.entries(app.module);
const ofType = (type) => modules.filter(([, one]) => one.moduleType === type);
const UNIVERSAL = 'module makeApiCall';
const contracted = requests.filter(([name]) => name !== UNIVERSAL);

// used is what the expressions of a file take from one variable: parameters.a.b gives a.
const used = (file, root) => {
  const seen = { roots: new Set(), paths: new Set(), functions: new Set() };
  for (const expression of expressions(file)) parse(expression, seen);
  return new Set([...seen.paths].filter((path) => path.startsWith(`${root}.`)).map((path) => path.split('.')[1]));
};

const parameterOf = (value) => /^\{\{parameters\.(\w+)\}\}$/.exec(value)?.[1];

// operationOf finds the operation that a request calls, and the parameters that its path takes.
const operationOf = ({ url, method }) => {
  const path = url.replace(/^.*\}\}(?=\/v1\/me$)/, '');
  const found = Object.values(operations).filter(
    (one) => one.method === method && new RegExp(`^${one.path.replace(/\{\w+\}/g, '(\\{\\{[^}]+\\}\\}|[\\w.]+)')}$`).test(path),
  );
  const exact = found.find((one) => one.path === path) ?? found[0];
  assert.ok(exact, `there is no ${method} ${path}`);
  return exact;
};

// same compares a field of a form with what the body's schema says of it.
const same = (field, schema, where) => {
  const types = {
    string: ['text', 'select', 'url', 'date'],
    integer: ['integer', 'uinteger', 'select'],
    number: ['number'],
    boolean: ['boolean'],
    array: ['array', 'select'],
    object: ['array', 'collection'],
  };
  assert.ok(types[schema.type].includes(field.type), `${where}: ${field.type} for ${schema.type}`);
  assert.equal(field.type === 'date', schema.format === 'date-time', `${where}: dates`);
  if (schema.type === 'array' && field.type === 'select') assert.ok(field.multiple, `${where}: several`);
  if (schema.enum && Array.isArray(field.options)) assert.deepEqual(field.options.map(({ value }) => value).sort(), [...schema.enum].sort(), where);
  if (schema.type !== 'array' || field.type !== 'array') return;
  const items = resolve(schema.items);
  if (!items.properties) return;
  for (const one of field.spec) {
    assert.ok(items.properties[one.name], `${where}: items have no ${one.name}`);
    if (items.required?.includes(one.name)) assert.ok(one.required, `${where}.${one.name} is required`);
  }
};

// compare walks through a body and its schema.
const compare = (value, schema, form, where) => {
  if (typeof value === 'string') {
    const name = parameterOf(value);
    const field = form.find((one) => one.name === name);
    if (field) same(field, schema, where);
    return field;
  }
  if (Array.isArray(value)) {
    for (const one of value) compare(one, resolve(schema.items), form, where);
    return undefined;
  }
  for (const [name, one] of Object.entries(value)) {
    assert.ok(schema.properties?.[name], `${where} has no field ${name}`);
    compare(one, resolve(schema.properties[name]), form, `${where}.${name}`);
  }
  for (const name of schema.required ?? []) {
    assert.ok(name in value, `${where} lacks ${name}`);
    const field = form.find((one) => one.name === parameterOf(value[name]));
    if (field) assert.ok(field.required, `${where}.${name} is required`);
  }
  return undefined;
};

test('Every request is an operation of openapi.yaml, with its path, query and headers', () => {
  for (const [name, communication, form] of contracted) {
    const operation = operationOf(communication);
    for (const key of Object.keys({ ...communication.qs, ...communication.pagination?.qs })) {
      const parameter = operation.parameters.find((one) => one.in === 'query' && one.name === key);
      assert.ok(parameter, `${name}: ${operation.operationId} has no ${key}`);
      const field = form.find((one) => one.name === key);
      if (field) same(field, resolve(parameter.schema), `${name} ${key}`);
    }
    for (const key of Object.keys(communication.headers ?? {}).filter((one) => !(one in app.base.headers))) {
      assert.ok(
        operation.parameters.some((one) => one.in === 'header' && one.name === key),
        `${name}: ${operation.operationId} has no header ${key}`,
      );
    }
    for (const parameter of used({ url: communication.url }, 'parameters')) {
      assert.ok(form.find((one) => one.name === parameter)?.required, `${name}: ${parameter} stands in the path, so it is required`);
    }
  }
});

test('Every body is one that its operation takes', () => {
  for (const [name, communication, form] of contracted) {
    const schema = bodyOf(operationOf(communication));
    if (communication.body === undefined) assert.equal(schema, undefined, `${name} has no body`);
    else if (schema) compare(communication.body, schema, form, name);
    else assert.deepEqual(communication.body, {}, name);
  }
});

test('Every request that sends or creates can be repeated safely, and only by a key of the user', () => {
  for (const [name, { method, url, headers }, form] of contracted.filter(([kind]) => kind.startsWith('module'))) {
    const takes = operationOf({ method, url }).parameters.some((one) => one.name === 'Idempotency-Key');
    assert.equal(headers?.['Idempotency-Key'], takes ? '{{parameters.idempotencyKey}}' : undefined, name);
    assert.equal(
      form.some((one) => one.name === 'idempotencyKey'),
      takes,
      name,
    );
  }
});

test('Every field of a form is used, and every field that is used is in the form', () => {
  for (const [name, communication, form] of requests.filter(([kind]) => !kind.endsWith('detach'))) {
    const names = form.map((one) => one.name).sort();
    assert.equal(new Set(names).size, names.length, `${name}: a name stands twice`);
    assert.deepEqual([...used(communication, 'parameters')].sort(), names, name);
  }
});

test('Every list that a form asks for is there, and every list is asked for', () => {
  const asked = new Set(
    JSON.stringify([app.module, app.webhook])
      .match(/rpc:\/\/\w+/g)
      .map((one) => one.slice(6)),
  );
  assert.deepEqual([...asked].sort(), Object.keys(app.rpc).sort());
  for (const [id, { communication }] of Object.entries(app.rpc)) {
    assert.deepEqual(Object.keys(communication.response.output), ['label', 'value'], id);
    const row = resolve(answerOf(operationOf(communication)).properties.data.items);
    for (const name of used(communication, 'item')) assert.ok(row.properties[name], `${id}: rows have no ${name}`);
  }
});

test('Lists are read to their end, in pages that the server gives, and no further than the limit', () => {
  for (const [name, communication] of requests.filter(([, one]) => one.response?.iterate)) {
    const operation = operationOf(communication);
    const paged = operation.parameters.some((one) => one.name === 'cursor');
    assert.equal(Boolean(communication.pagination), paged, name);
    if (!paged) continue;
    assert.equal(communication.pagination.qs.cursor, '{{body.nextCursor}}', name);
    assert.equal(communication.pagination.condition, '{{body.nextCursor}}', name);
    assert.ok(communication.response.limit, `${name} has no limit`);
  }
});

// outline is an interface, or a schema, without labels: what is in it and of which types.
const TYPES = { text: 'string', date: 'string', filename: 'string', uinteger: 'integer', collection: 'object' };
const outline = (spec) => {
  if (Array.isArray(spec)) return Object.fromEntries(spec.map((one) => [one.name, outline(one)]));
  if (spec.type === 'array') return [outline(spec.spec)];
  if (spec.type === 'collection' && spec.spec) return outline(spec.spec);
  return TYPES[spec.type] ?? spec.type;
};
const shape = (node) => {
  const schema = resolve(node);
  if (schema.properties) return Object.fromEntries(Object.entries(schema.properties).map(([name, one]) => [name, shape(one)]));
  if (schema.type === 'array') return [shape(schema.items)];
  return schema.type ?? 'any';
};

test('Every interface is the answer of its operation', () => {
  for (const [id, one] of [...ofType('action'), ...ofType('search')]) {
    const { output } = one.communication.response;
    const schema = answerOf(operationOf(one.communication));
    if (typeof output !== 'string') {
      assert.deepEqual(
        one.interface.map(({ name }) => name),
        Object.keys(output),
        id,
      );
      continue;
    }
    assert.equal(output, one.moduleType === 'search' ? '{{item}}' : '{{body}}', id);
    assert.deepEqual(outline(one.interface), shape(one.moduleType === 'search' ? schema.properties.data.items : schema), id);
  }
});

test('Every interface of a trigger is the event of openapi.yaml, and its sample the golden event', () => {
  for (const [id, one] of ofType('instant_trigger')) {
    const chosen = app.webhook[one.webhook].attach.body.events;
    if (!Array.isArray(chosen)) {
      assert.deepEqual(outline(one.interface), shape(answerOf(operations.getEventSample)), id);
      assert.deepEqual(one.samples, goldenEvents['message.received'], id);
      continue;
    }
    assert.deepEqual(outline(one.interface), shape(events[chosen[0]]), id);
    assert.deepEqual(one.samples, goldenEvents[chosen[0]], id);
  }
});

const fits = (value, wanted, where) => {
  if (value === null || wanted === 'any' || wanted === 'object') return;
  if (Array.isArray(wanted)) {
    assert.ok(Array.isArray(value), where);
    for (const one of value) fits(one, wanted[0], where);
  } else if (typeof wanted === 'object') {
    for (const [name, one] of Object.entries(value)) {
      assert.ok(name in wanted, `${where}.${name} is not in the interface`);
      fits(one, wanted[name], `${where}.${name}`);
    }
  } else {
    assert.equal(typeof value, wanted === 'integer' ? 'number' : wanted, where);
  }
};

test('Every sample fits its interface', () => {
  for (const [id, one] of modules) fits(one.samples, outline(one.interface), id);
});

test('There is a trigger for every event, and a list of all', () => {
  const known = resolve(resolve(bodyOf(operations.createWebhook).properties.events).items).enum;
  const watched = ofType('instant_trigger').map(([, one]) => app.webhook[one.webhook].attach.body.events);
  assert.deepEqual(
    watched
      .filter(Array.isArray)
      .map(([event]) => event)
      .sort(),
    [...known].sort(),
  );
  assert.deepEqual(Object.keys(goldenEvents).sort(), [...known].sort());
  assert.deepEqual(
    watched.filter((one) => !Array.isArray(one)),
    ['{{parameters.events}}'],
  );
});

test('Every webhook has one trigger, subscribes at an address of Make and ends what it has begun', () => {
  assert.deepEqual(
    ofType('instant_trigger')
      .map(([, one]) => one.webhook)
      .sort(),
    Object.keys(app.webhook).sort(),
  );
  for (const [id, { attach, detach, communication }] of Object.entries(app.webhook)) {
    assert.equal(operationOf(attach).operationId, 'createWebhook', id);
    assert.equal(operationOf(detach).operationId, 'deleteWebhook', id);
    assert.equal(attach.body.url, '{{webhook.url}}', id);
    assert.ok(!('format' in attach.body), `${id}: the samples are in the default format`);
    assert.deepEqual([...used(detach, 'webhook')], Object.keys(attach.response.data), id);
    assert.deepEqual(communication, { output: '{{body}}' }, id);
  }
});

test('Every module stands in one group', () => {
  assert.deepEqual(app.groups.flatMap((one) => one.modules).sort(), modules.map(([id]) => id).sort());
});

test('Labels are in sentence case, begin with a verb and are given once', () => {
  const labels = modules.map(([, one]) => one.label);
  assert.equal(new Set(labels).size, labels.length);
  for (const label of labels) {
    assert.match(label, /^(Watch|Send|React|Get|Create|Cancel|Retry|Update|Delete|Download|Pair|Log out|Check|List|Search|Make) /);
    for (const word of label.split(' ').slice(1)) assert.match(word, /^([a-z]+|WhatsApp|QR|API)$/, label);
  }
  for (const [, one] of ofType('instant_trigger')) assert.match(one.description, /^Triggers when /);
});

test('The log hides the key and the secrets, and no secret is kept', () => {
  const [connection] = Object.values(app.connection);
  for (const [name, { headers, log }] of [
    ['base', app.base],
    ['connection', connection.communication],
  ]) {
    assert.deepEqual(Object.keys(headers), ['X-Api-Key', 'Accept'], name);
    for (const path of ['request.headers.x-api-key', 'response.body.secret']) assert.ok(log.sanitize.includes(path), `${name} hides ${path}`);
  }
  for (const [name, communication] of requests) {
    assert.ok(!JSON.stringify(communication.response?.data ?? {}).includes('secret'), name);
    if (!name.startsWith('connection'))
      assert.ok(!('log' in communication) && !JSON.stringify(communication).includes('apiKey'), `${name} leaves the key and the log to the base`);
  }
  assert.equal(connection.params.find(({ name }) => name === 'apiKey').type, 'password');
});

test('The address and the key can be changed after the connection is made', () => {
  const [{ params: form }] = Object.values(app.connection);
  assert.deepEqual(
    form.map(({ name, editable }) => [name, editable]),
    [
      ['baseUrl', true],
      ['apiKey', true],
    ],
  );
});

test('Every status that an operation may answer has an error, and only what may be repeated is repeated', () => {
  const { error } = app.base.response;
  for (const [name, communication] of contracted) {
    for (const status of Object.keys(operationOf(communication).responses).filter((one) => one >= '400'))
      assert.ok(error[status], `${name}: ${status}`);
  }
  for (const [status, { type }] of Object.entries(error).filter(([, one]) => one.type)) {
    assert.equal(/RateLimitError|ConnectionError/.test(type), ['409', '429', '502', '503'].includes(status), status);
  }
  assert.equal(error[504].type, 'RuntimeError');
  const [connection] = Object.values(app.connection);
  assert.deepEqual(connection.communication.response.error, error);
});

test('Errors take what the server says from where openapi.yaml has it', () => {
  const schema = resolve(resolve(api.components.responses.BadRequest).content['application/json'].schema);
  for (const name of used(app.base.response.error, 'body')) assert.ok(schema.properties[name], `errors have no ${name}`);
});
