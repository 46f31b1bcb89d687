'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const schema = require('zapier-platform-core/src/tools/schema');
const platform = require('zapier-platform-schema/package.json');
const app = require('../../index');
const own = require('../../package.json');
const { checks, inputs, references, steps } = require('../definition');

// copy is the app without its functions, which a test may spoil.
const copy = () => structuredClone(schema.serializeApp(schema.compileApp(app)));

test('The definition is what the schema of the platform wants', () => {
  assert.deepEqual(schema.validateApp(schema.compileApp(app)), []);
});

test('The schema refuses a definition that is not right', () => {
  const spoiled = copy();
  delete spoiled.creates.send_message.noun;
  assert.notDeepEqual(schema.validateApp(spoiled), []);
});

test('The packages of the platform are pinned to one version', () => {
  assert.match(own.dependencies['zapier-platform-core'], /^\d+\.\d+\.\d+$/);
  assert.equal(own.dependencies['zapier-platform-core'], app.platformVersion);
  assert.equal(own.devDependencies['zapier-platform-schema'], platform.version);
  assert.equal(app.platformVersion, platform.version);
});

for (const [name, check] of Object.entries(checks)) {
  test(`Zapier's check ${name}`, () => assert.deepEqual(check(app), []));
}

// Each check is shown something wrong, so that none of them is blind.
const spoil = {
  D001: (a) => {
    a.creates.send_message.operation.inputFields[1].key = 'api_key';
  },
  D002: (a) => {
    a.authentication.fields[1].helpText = 'Look at the settings.';
  },
  D003: (a) => {
    a.authentication.connectionLabel = 'Switchhook';
  },
  D004: (a) => {
    delete a.creates.send_message.operation.inputFields[0].dynamic;
  },
  D005: (a) => {
    a.creates.send_message.operation.inputFields[0].dynamic = 'list_sending_channels.id.nothing';
  },
  D006: (a) => {
    delete a.triggers.message_received.operation.performList;
  },
  D007: (a) => {
    a.creates.send_message.operation.inputFields[0].helpText = 'See [it](http://example.com).';
  },
  D008: (a) => {
    a.creates.send_message.operation.inputFields[0].helpText = 'See https://example.com.';
  },
  D009: (a) => {
    a.searches.find_contact.operation.inputFields = [];
  },
  D010: (a) => {
    delete a.triggers.message_received.operation.sample.id;
  },
  D011: (a) => {
    Object.assign(a.creates.send_message.operation.inputFields[0], { label: 'Channel', helpText: 'channel.' });
  },
  D012: (a) => {
    a.creates.send_message.operation.sample = {};
  },
  D013: (a) => {
    a.creates.send_message.operation.inputFields[0].search = 'find_nothing.id';
  },
  D014: (a) => {
    delete a.creates.send_message.operation.inputFields[0].dynamic;
  },
  D015: (a) => {
    a.searchOrCreates.find_contact.create = 'nothing';
  },
  D016: (a) => {
    delete a.triggers.message_received.operation.performUnsubscribe;
  },
  D018: (a) => {
    a.triggers.message_received.display.label = 'New message';
  },
  D021: (a) => {
    a.triggers.message_received.display.description = 'Triggers whenever somebody writes.';
  },
  D022: (a) => {
    a.creates.send_message.operation.inputFields = [];
  },
  D023: (a) => {
    a.triggers.message_received.operation.sample.timestamp = '2026-06-29T14:21:07';
  },
  D024: (a) => {
    a.triggers.message_received.operation.sample.id = 1;
  },
  D026: (a) => {
    a.beforeRequest = [];
  },
};

for (const [name, check] of Object.entries(checks)) {
  const [number] = name.split(/[ ,]/);
  test(`The check ${number} sees what is wrong`, () => {
    const spoiled = copy();
    spoil[number](spoiled);
    assert.notDeepEqual(check(spoiled), []);
  });
}

test('Every hidden trigger fills a drop-down', () => {
  const used = new Set(inputs(app).flatMap(references));
  assert.deepEqual(
    steps(app)
      .filter((one) => one.display.hidden && !used.has(one.key))
      .map((one) => one.key),
    [],
  );
});

test('Every action that sends or creates keeps a replay of Zapier harmless', () => {
  for (const key of ['send_message', 'send_template', 'send_location', 'send_contact_card', 'send_reaction', 'create_post']) {
    assert.ok(
      app.creates[key].operation.inputFields.some((field) => field.key === 'repeatKey'),
      key,
    );
  }
});
