'use strict';

const { act, filled, many } = require('../lib/act');
const { files, recipient, repeatKey, sender } = require('../lib/fields');
const { message } = require('../samples/answers');

const replyTo = {
  key: 'replyTo',
  label: 'Reply To',
  type: 'string',
  helpText: 'To quote a message: its `Network Message ID`, which the trigger New Message gives.',
};
const rich = 'Channels of the kind WhatsApp can do this.';

const outputFields = [
  { key: 'id', label: 'Message ID', type: 'string' },
  { key: 'status', label: 'Status', type: 'string' },
  { key: 'providerMessageId', label: 'Network Message ID', type: 'string' },
  { key: 'createdAt', label: 'Created At', type: 'datetime' },
  { key: 'updatedAt', label: 'Updated At', type: 'datetime' },
  { key: 'repeated', label: 'Had Been Sent Before', type: 'boolean' },
];

const attached = (urls) => filled({ media: many(urls).map((url) => ({ url })) });

// sending makes an action that sends a message. `content` says what is in it.
const sending = ({ key, label, description, noun = 'Message', fields, content }) => ({
  key,
  noun,
  display: { label, description },
  operation: {
    inputFields: [sender, recipient, ...fields, repeatKey],
    perform: (z, bundle) =>
      act(z, bundle, key, '/v1/messages', filled({ channelId: bundle.inputData.channelId, to: bundle.inputData.to, ...content(bundle.inputData) })),
    sample: { ...message, repeated: false },
    outputFields,
  },
});

module.exports = [
  sending({
    key: 'send_message',
    label: 'Send Message',
    description: 'Sends a text, files, or both to one person or group.',
    fields: [{ key: 'text', label: 'Text', type: 'text', helpText: 'May be left empty where there are files.' }, files, replyTo],
    content: (given) => ({ text: given.text, ...attached(given.files), replyTo: given.replyTo }),
  }),
  sending({
    key: 'send_template',
    label: 'Send Template',
    description: 'Sends a message that the network has approved, which WhatsApp Business asks for when the person has not written for 24 hours.',
    noun: 'Template',
    fields: [
      {
        key: 'name',
        label: 'Template Name',
        type: 'string',
        required: true,
        helpText: 'As it was approved, or the ID that the network has given it.',
      },
      { key: 'language', label: 'Language', type: 'string', placeholder: 'en_US', helpText: 'Needed where the network tells languages apart.' },
      { key: 'variables', label: 'Variables', dict: true, helpText: 'What is put into its places, such as `1` and a first name.' },
      files,
    ],
    content: (given) => ({
      template: filled({ name: given.name, language: given.language, variables: filled(given.variables ?? {}) }),
      ...attached(given.files),
    }),
  }),
  sending({
    key: 'send_location',
    label: 'Send Location',
    description: 'Sends a place on the map.',
    noun: 'Location',
    fields: [
      { key: 'latitude', label: 'Latitude', type: 'number', required: true, placeholder: '52.52', helpText: `Degrees north. ${rich}` },
      { key: 'longitude', label: 'Longitude', type: 'number', required: true, placeholder: '13.405', helpText: 'Degrees east.' },
      { key: 'name', label: 'Name of the Place', type: 'string' },
      { key: 'address', label: 'Address', type: 'string' },
    ],
    content: ({ latitude, longitude, name, address }) => ({
      location: filled({ latitude: Number(latitude), longitude: Number(longitude), name, address }),
    }),
  }),
  sending({
    key: 'send_contact_card',
    label: 'Send Contact Card',
    description: 'Passes a contact on to somebody.',
    noun: 'Contact Card',
    fields: [
      { key: 'name', label: 'Name', type: 'string', required: true, helpText: `Whose card it is. ${rich}` },
      { key: 'phone', label: 'Phone Number', type: 'string', required: true, helpText: 'With its country code.' },
    ],
    content: ({ name, phone }) => ({ contact: { name, phone } }),
  }),
  sending({
    key: 'send_reaction',
    label: 'Send Reaction',
    description: 'Puts an emoji on an earlier message.',
    noun: 'Reaction',
    fields: [
      {
        key: 'message',
        label: 'Message',
        type: 'string',
        required: true,
        helpText: `Its \`Network Message ID\`, which the trigger New Message gives. ${rich}`,
      },
      { key: 'emoji', label: 'Emoji', type: 'string', placeholder: '👍', helpText: 'Leave this empty to take a reaction back.' },
    ],
    content: ({ message: messageId, emoji }) => ({ reaction: { messageId, emoji: emoji ?? '' } }),
  }),
];
