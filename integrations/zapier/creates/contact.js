'use strict';

const { act, filled } = require('../lib/act');
const { contact } = require('../samples/answers');
const findContact = require('../searches/contact');

// content is the body of a contact. Its further facts are JSON in a text there, and a list of names and values here.
const content = ({ name, phone, countryCode, facts, blocked }) => {
  const extra = filled(facts ?? {});
  return filled({
    name,
    phone_number: phone,
    phone_number_cc: countryCode,
    extra_fields: extra && JSON.stringify(extra),
    is_blocked: blocked === undefined ? undefined : Number(blocked),
  });
};

module.exports = {
  key: 'create_contact',
  noun: 'Contact',
  display: { label: 'Create Contact', description: 'Adds a person. A phone number can be there once.' },
  operation: {
    inputFields: [
      { key: 'phone', label: 'Phone Number', type: 'string', required: true, placeholder: '16311112222', helpText: 'With its country code.' },
      { key: 'name', label: 'Name', type: 'string' },
      {
        key: 'countryCode',
        label: 'Country Code',
        type: 'string',
        placeholder: '1',
        helpText: 'The beginning of the number that names the country.',
      },
      { key: 'facts', label: 'Further Facts', dict: true, helpText: 'Names and values that are kept with the contact.' },
      { key: 'blocked', label: 'Blocked', type: 'boolean', helpText: 'Messages of a blocked person are kept and start no Zap.' },
    ],
    perform: async (z, bundle) => {
      const { repeated, ...made } = await act(z, bundle, 'create_contact', '/v1/contacts', content(bundle.inputData));
      return made;
    },
    sample: contact,
    outputFields: findContact.operation.outputFields,
  },
};
