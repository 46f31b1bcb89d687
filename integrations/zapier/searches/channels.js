'use strict';

const { call, matching } = require('../lib/api');
const { sessionId } = require('../lib/fields');
const answers = require('../samples/answers');

const text = (helpText) => ({ key: 'text', label: 'Name or Number', type: 'string', required: true, helpText });

// byText finds the rows of a list that have a text in one of some columns. A whole match stands first.
const byText = (path, columns) => async (z, bundle) => {
  const wanted = bundle.inputData.text.trim().toLowerCase();
  const values = (row) => columns.map((column) => String(row[column] ?? '').toLowerCase());
  const rows = await matching(z, bundle, path, {}, (row) => values(row).some((value) => value.includes(wanted)));
  const whole = (row) => Number(values(row).includes(wanted));
  return rows.sort((a, b) => whole(b) - whole(a));
};

const channel = {
  key: 'find_channel',
  noun: 'Channel',
  display: { label: 'Find Channel', description: 'Finds a channel by its name, its address or its kind.' },
  operation: {
    inputFields: [text('Or a part of it, or a kind of channel such as `twilio_sms`.')],
    perform: byText('/v1/channels', ['id', 'name', 'address', 'connector', 'channelKey']),
    sample: answers.channel,
    outputFields: [
      { key: 'id', label: 'Channel ID', type: 'string' },
      { key: 'name', label: 'Name', type: 'string' },
      { key: 'address', label: 'Address', type: 'string' },
      { key: 'status', label: 'Status', type: 'string' },
    ],
  },
};

const session = {
  key: 'find_session',
  noun: 'WhatsApp Session',
  display: { label: 'Find WhatsApp Session', description: 'Finds a linked WhatsApp device by its name or number, and tells whether it is online.' },
  operation: {
    inputFields: [text('Or a part of it.')],
    perform: byText('/v1/sessions', ['id', 'name', 'phone', 'pushName']),
    sample: answers.session,
    outputFields: [
      { key: 'id', label: 'Session ID', type: 'string' },
      { key: 'name', label: 'Name', type: 'string' },
      { key: 'phone', label: 'Phone', type: 'string' },
      { key: 'status', label: 'Status', type: 'string' },
    ],
  },
};

// check asks WhatsApp. A number without an account is nothing found, so that a Zap can go another way.
const check = async (z, bundle) => {
  const { sessionId: by, number } = bundle.inputData;
  const { data } = await call(z, bundle, {
    method: 'POST',
    path: `/v1/sessions/${encodeURIComponent(by)}/check-numbers`,
    body: { numbers: [number] },
  });
  return data.data.filter((row) => row.exists).map((row) => ({ id: row.address, ...row }));
};

const number = {
  key: 'check_number',
  noun: 'WhatsApp Number',
  display: { label: 'Check WhatsApp Number', description: 'Finds out whether a phone number has a WhatsApp account.' },
  operation: {
    inputFields: [
      { ...sessionId, helpText: 'The linked WhatsApp device that asks.' },
      {
        key: 'number',
        label: 'Phone Number',
        type: 'string',
        required: true,
        placeholder: '15551234567',
        helpText: 'With its country code. Ask only about people who expect to hear from you: WhatsApp restricts accounts that try out numbers.',
      },
    ],
    perform: check,
    sample: answers.number,
    outputFields: [
      { key: 'id', label: 'Number on WhatsApp', type: 'string' },
      { key: 'exists', label: 'Has an Account', type: 'boolean' },
      { key: 'name', label: 'Name of the Business', type: 'string' },
    ],
  },
};

module.exports = [channel, session, number];
