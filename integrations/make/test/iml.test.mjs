// The player reads the part of IML that the app is written in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fill } from '../player/form.mjs';
import { evaluate, expressions, parse } from '../player/iml.mjs';
import { functions } from '../player/functions.mjs';
import { app } from './files.mjs';

const scope = {
  body: { code: 'x', data: [{ id: 1 }, { id: 2 }], 'a b': 3 },
  headers: { 'content-type': 'image/png' },
  parameters: { name: "it's", none: null, hook: '{{body.code}}' },
};
const value = (expression) => parse(expression)(scope);

test('Values, properties and items', () => {
  for (const [expression, wanted] of [
    ['body.code', 'x'],
    ['body.data[1].id', 1],
    ['body.data[2].id', 2],
    ['body.missing.further', undefined],
    ['body.`a b`', 3],
    ['headers.`content-type`', 'image/png'],
    ["'it\\'s'", "it's"],
    ['"a"', 'a'],
    ['1.5', 1.5],
    ['true', true],
    ['null', null],
  ])
    assert.deepEqual(value(expression), wanted, expression);
});

test('Operators, in their order', () => {
  for (const [expression, wanted] of [
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['7 - 2 - 1', 4],
    ['-2 + 3', 1],
    ['7 % 4 / 3', 1],
    ["'a' + 1", 'a1'],
    ["'a' + body.missing", 'a'],
    ['1 < 2 && 2 <= 2', true],
    ["1 == '1'", false],
    ["body.code != 'y'", true],
    ['!body.missing || false', true],
    ['body.missing < 100', false],
    ['3 > 2 == true', true],
    ['3 >= 4', false],
  ])
    assert.deepEqual(value(expression), wanted, expression);
});

test('Functions', () => {
  for (const [expression, wanted] of [
    ["if(body.code, 'yes', 'no')", 'yes'],
    ["ifempty(parameters.none, 'else')", 'else'],
    ["ifempty('', 'else')", 'else'],
    ["ifempty(0, 'else')", 0],
    ["join(map(body.data, 'id'), ' ')", '1 2'],
    ["join(map(body.missing, 'id'), ' ')", ''],
    ["length('abc')", 3],
    ['length(body.data)', 2],
    ["substring('abc', 0, 2)", 'ab'],
    ["toCollection(body.data, 'id', 'id')", { 1: 1, 2: 2 }],
    ["toCollection(body.missing, 'id', 'id')", undefined],
    ["trim(' a ')", 'a'],
  ])
    assert.deepEqual(value(expression), wanted, expression);
});

test('Texts and collections are filled in, and what a stranger has written is not run', () => {
  const filled = evaluate(
    {
      whole: '{{body.data}}',
      text: 'a {{body.code}}, {{parameters.none}}!',
      gone: '{{body.missing}}',
      hook: '{{parameters.hook}}',
      '{{...}}': { more: '{{1}}' },
      list: ['{{body.missing}}', '{{2}}'],
    },
    scope,
  );
  assert.deepEqual(filled, { whole: scope.body.data, text: 'a x, !', hook: '{{body.code}}', more: 1, list: [2] });
});

test('What the player does not know is refused', () => {
  for (const wrong of ['body.', 'a b', '1 +', "'open", 'fetch(body)', 'if(1, 2', 'body[1', '{a: 1}', '(1', 'x => x', 'constructor(1)'])
    assert.throws(() => parse(wrong)(scope), SyntaxError, wrong);
  assert.throws(() => value('elsewhere.name'), ReferenceError);
});

test('Every expression of the app is understood, and every function of the player is used', () => {
  const seen = { roots: new Set(), paths: new Set(), functions: new Set() };
  const all = expressions([app.base, app.connection, app.webhook, app.module, app.rpc]);
  for (const expression of all) parse(expression, seen);
  assert.ok(all.length > 300);
  assert.deepEqual([...seen.functions].sort(), Object.keys(functions).sort());
  assert.deepEqual([...seen.roots].sort(), ['body', 'connection', 'headers', 'item', 'parameters', 'statusCode', 'webhook']);
});

test('A form gives defaults, dates and numbers, leaves out what is empty and asks for what is required', () => {
  const form = [
    { name: 'limit', type: 'uinteger', default: 10, required: true },
    { name: 'at', type: 'date' },
    { name: 'text', type: 'text' },
    { name: 'on', type: 'boolean' },
    {
      name: 'media',
      type: 'array',
      spec: [
        { name: 'url', type: 'url', required: true },
        { name: 'alt', type: 'text' },
      ],
    },
    { name: 'to', type: 'text', required: true },
  ];
  const at = '2026-01-15T10:00:00.000Z';
  assert.deepEqual(fill(form, { at, text: '', on: 'true', to: '1', media: [{ url: 'x', alt: '' }] }), {
    limit: 10,
    at: new Date(at),
    on: true,
    media: [{ url: 'x' }],
    to: '1',
  });
  assert.throws(() => fill(form, {}), /required parameter 'to'/);
  assert.throws(() => fill(form, { to: '1', media: [{ alt: 'x' }] }), /'media.url'/);
  assert.throws(() => fill(form, { to: '1', tp: '2' }), /no field tp/);
});
