// Reads openapi.yaml, which decides about requests and answers, and turns its schemas into what Make calls an interface.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const file = fileURLToPath(new URL('../../../openapi.yaml', import.meta.url));
export const api = parse(fs.readFileSync(file, 'utf8'));

// resolve follows references, and merges what allOf lists.
export const resolve = (node) => {
  let found = node;
  while (found?.$ref)
    found = found.$ref
      .slice(2)
      .split('/')
      .reduce((at, key) => at[key], api);
  if (!found?.allOf) return found;
  const parts = found.allOf.map(resolve);
  const properties = Object.assign({}, ...parts.map((part) => part.properties), found.properties);
  return { ...Object.assign({}, ...parts, found), allOf: undefined, properties };
};

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

// operations are all operations by their id, with their path, method and parameters.
export const operations = Object.fromEntries(
  Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => {
      const operation = item[method];
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve);
      return [operation.operationId, { ...operation, path, method: method.toUpperCase(), parameters }];
    }),
  ),
);

const json = (content) => content?.['application/json']?.schema;

// bodyOf is the schema of the body that an operation takes, and undefined where it takes none.
export const bodyOf = (operation) => resolve(json(resolve(operation.requestBody)?.content));

// answerOf is the schema of what an operation answers when it succeeds, and undefined where that is nothing.
export const answerOf = (operation) => {
  const status = Object.keys(operation.responses).find((code) => code.startsWith('2'));
  return resolve(json(resolve(operation.responses[status]).content));
};

// events holds the schema of each event's body in the format switchhook, by the event's name.
export const events = Object.fromEntries(
  Object.values(operations.createWebhook.callbacks)
    .map((callback) => Object.values(callback)[0].post)
    .filter((post) => /^\w+\.\w+$/.test(post.summary))
    .map((post) => [post.summary, resolve(json(post.requestBody.content))]),
);

// label makes words of a field's name: createdAt becomes Created at, phone_number Phone number.
export const label = (name) => {
  const words = name
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return (words[0].toUpperCase() + words.slice(1))
    .replace(/\bid\b/i, 'ID')
    .replace(/\bids\b/i, 'IDs')
    .replace(/\burl\b/i, 'URL')
    .replace(/^Qr$/, 'QR')
    .replace(/^Lid$/, 'LID')
    .replace(/^Wa /, 'WhatsApp ');
};

const scalar = ({ type, format }) => {
  if (type === 'string') return format === 'date-time' ? 'date' : 'text';
  return type ?? 'any';
};

const field = (name, node) => {
  const schema = resolve(node);
  const named = { ...(name && { name, label: label(name) }) };
  if (schema.type === 'array') {
    const items = resolve(schema.items);
    const inner = items.properties ? fields(items) : { type: scalar(items) };
    return { ...named, type: 'array', spec: inner };
  }
  if (schema.type === 'object') return { ...named, type: 'collection', ...(schema.properties && { spec: fields(schema) }) };
  return { ...named, type: scalar(schema) };
};

// fields is a schema's interface: the fields that later modules can map.
export const fields = (schema) => Object.entries(resolve(schema).properties).map(([name, node]) => field(name, node));

// example is a value as a schema's own examples show it.
export const example = (node) => {
  const schema = resolve(node);
  if (schema.example !== undefined) return schema.example;
  if (schema.properties) return Object.fromEntries(Object.entries(schema.properties).map(([name, one]) => [name, example(one)]));
  if (schema.type === 'array') return [example(schema.items)];
  return schema.enum?.[0] ?? { string: '', integer: 1, number: 1, boolean: false, object: {} }[schema.type];
};
