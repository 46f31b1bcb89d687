'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const app = require('../../index');
const { events } = require('../../lib/events');

const golden = path.join(__dirname, '../../../samples');
const kept = path.join(__dirname, '../../samples');
const names = (folder) =>
  fs
    .readdirSync(folder)
    .filter((file) => /^\w+\.\w+\.json$/.test(file))
    .sort();

test('The samples are the golden events of the project: run npm run samples where they differ', () => {
  assert.deepEqual(names(kept), names(golden));
  for (const name of names(golden)) {
    assert.equal(fs.readFileSync(path.join(kept, name), 'utf8'), fs.readFileSync(path.join(golden, name), 'utf8'), name);
  }
});

test('Every golden event has a trigger that shows it', () => {
  assert.deepEqual(events.map(({ event }) => `${event}.json`).sort(), names(golden));
  for (const { event } of events) {
    assert.deepEqual(app.triggers[event.replace('.', '_')].operation.sample, JSON.parse(fs.readFileSync(path.join(golden, `${event}.json`), 'utf8')));
  }
});
