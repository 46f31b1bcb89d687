'use strict';

const { get } = require('../lib/api');
const { filled } = require('../lib/act');
const { contact } = require('../samples/answers');

const outputFields = [
  { key: 'id', label: 'Contact ID', type: 'integer' },
  { key: 'name', label: 'Name', type: 'string' },
  { key: 'phone_number', label: 'Phone Number', type: 'string' },
  { key: 'phone_number_cc', label: 'Country Code', type: 'string' },
  { key: 'extra_fields', label: 'Further Facts (JSON)', type: 'string' },
  { key: 'is_blocked', label: 'Blocked', type: 'integer' },
  { key: 'created_at', label: 'Created At', type: 'datetime' },
  { key: 'updated_at', label: 'Updated At', type: 'datetime' },
];

const search = async (z, bundle) => {
  const { phone, text } = bundle.inputData;
  const digits = phone && String(phone).replace(/\D/g, '').replace(/^00/, '');
  if (!digits && !text) throw new z.errors.Error('Give a phone number, or a part of a name or number, to search for.', 'required_field', 400);
  return (await get(z, bundle, '/v1/contacts', filled({ phone_number: digits, q: text, limit: 10 }))).data;
};

module.exports = {
  key: 'find_contact',
  noun: 'Contact',
  display: { label: 'Find Contact', description: 'Finds a person by phone number, or by a part of the name or number.' },
  operation: {
    inputFields: [
      { key: 'phone', label: 'Phone Number', type: 'string', placeholder: '16311112222', helpText: 'The whole number with its country code.' },
      { key: 'text', label: 'Part of the Name or Number', type: 'string' },
    ],
    perform: search,
    sample: contact,
    outputFields,
  },
};
