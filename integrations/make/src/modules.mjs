// The actions and searches, each with the operation of openapi.yaml that it calls.
import { channel, kind, limit, media, once, oneOf, queue, recipient, sender, session, targets, text } from './params.mjs';

const required = true;
const given = (...names) => Object.fromEntries(names.map((name) => [name, `{{parameters.${name}}}`]));
const to = given('channelId', 'to');

const postId = text('postId', 'Post ID', { required });
const messageId = text('messageId', 'Message ID', { required });
const contactId = { name: 'contactId', type: 'uinteger', label: 'Contact ID', required };
const post = [
  { name: 'media', type: 'array', label: 'Files', spec: [
    { name: 'url', type: 'url', label: 'URL', required, help: 'A public https address of a picture or film.' },
    text('alt', 'Description', { help: 'What the picture shows, for people who do not see it.' }),
  ] },
  text('firstComment', 'First comment', { multiline: true, advanced: true }),
  oneOf('overflow', 'Text that is too long', ['error', 'truncate', 'split'], { advanced: true, help: 'What becomes of a text that is longer than a network takes.' }),
  { name: 'draft', type: 'boolean', label: 'Draft', advanced: true, help: 'Keeps the post without publishing it.' },
];
const facts = [
  text('name', 'Name'),
  text('phone_number_cc', 'Country code'),
  text('extra_fields', 'Extra fields', { help: 'A JSON object as text, such as {"city": "Ahmedabad"}.' }),
  { name: 'is_blocked', type: 'select', label: 'Blocked', options: [{ label: 'Yes', value: 1 }, { label: 'No', value: 0 }] },
];

export const actions = [
  {
    id: 'sendMessage', group: 'Messages', operation: 'sendMessage', label: 'Send a message', crud: 'create', once: true,
    description: 'Sends a text, files, or both to one person or group.',
    params: [sender, recipient, text('text', 'Text', { multiline: true, help: 'May be left empty where there are files.' }), media,
      text('replyTo', 'Reply to', { advanced: true, help: 'To quote a message: its Provider message ID.' }), once],
    body: { ...to, ...given('text', 'media', 'replyTo') },
  },
  {
    id: 'sendWhatsAppMedia', group: 'Messages', operation: 'sendMessage', label: 'Send WhatsApp media', crud: 'create', once: true,
    description: 'Sends one picture, film, voice message or document through a linked WhatsApp device.',
    params: [session, recipient, ...media.spec.map((one) => (one.name === 'url' ? { ...one, label: 'File URL' } : one)), text('text', 'Caption', { multiline: true }), once],
    body: { ...given('sessionId', 'to', 'text'), media: [given('url', 'contentType', 'fileName')] },
  },
  {
    id: 'sendTemplate', group: 'Messages', operation: 'sendMessage', label: 'Send a template', crud: 'create', once: true,
    description: 'Sends a message that the network has approved, which WhatsApp Business asks for when the person has not written for 24 hours.',
    params: [sender, recipient, text('name', 'Template', { required, help: 'Its name as it was approved, or the ID that the network has given it.' }),
      text('language', 'Language', { help: 'Such as en_US. Needed where the network tells languages apart.' }),
      { name: 'variables', type: 'array', label: 'Variables', spec: [text('key', 'Place', { required, help: 'Such as 1' }), text('value', 'Value')] }, once],
    body: { ...to, template: { ...given('name', 'language'), variables: "{{toCollection(parameters.variables, 'key', 'value')}}" } },
  },
  {
    id: 'sendLocation', group: 'Messages', operation: 'sendMessage', label: 'Send a location', crud: 'create', once: true,
    description: 'Sends a place on the map, on channels that can.',
    params: [sender, recipient, { name: 'latitude', type: 'number', label: 'Latitude', required }, { name: 'longitude', type: 'number', label: 'Longitude', required },
      text('name', 'Name of the place'), text('address', 'Address'), once],
    body: { ...to, location: given('latitude', 'longitude', 'name', 'address') },
  },
  {
    id: 'sendContact', group: 'Messages', operation: 'sendMessage', label: 'Send a contact card', crud: 'create', once: true,
    description: 'Passes on the name and number of a person, on channels that can.',
    params: [sender, recipient, text('name', 'Name', { required }), text('phone', 'Phone number', { required, help: 'With its country code.' }), once],
    body: { ...to, contact: given('name', 'phone') },
  },
  {
    id: 'sendReaction', group: 'Messages', operation: 'sendMessage', label: 'React to a message', crud: 'create', once: true,
    description: 'Puts an emoji on an earlier message, on channels that can.',
    params: [sender, recipient, text('messageId', 'Provider message ID', { required, help: 'The Provider message ID of the message, which Watch messages gives.' }),
      text('emoji', 'Emoji', { help: 'Leave it empty to take a reaction back.' }), once],
    body: { ...to, reaction: given('messageId', 'emoji') },
  },
  {
    id: 'getMessage', group: 'Messages', operation: 'getMessage', label: 'Get a message', crud: 'read',
    description: 'Returns a message, and what became of it.', params: [messageId],
  },
  {
    id: 'createPost', group: 'Posts', operation: 'createPost', label: 'Create a post', crud: 'create', once: true,
    description: 'Publishes now, at a time, or when its turn in a queue comes.',
    params: [targets, { ...queue, help: 'Publishes to the channels of the queue, in its next free slot.' }, text('title', 'Title'), text('body', 'Text', { multiline: true }),
      { name: 'publishAt', type: 'date', label: 'Publish at', help: 'Leave it empty to publish now.' }, ...post, once],
    body: given('title', 'body', 'channelIds', 'queueId', 'publishAt', 'media', 'firstComment', 'overflow', 'draft'),
  },
  { id: 'getPost', group: 'Posts', operation: 'getPost', label: 'Get a post', crud: 'read', description: 'Returns a post, and what became of it on each network.', params: [postId] },
  {
    id: 'cancelPost', group: 'Posts', operation: 'cancelPost', label: 'Cancel a post', crud: 'delete',
    description: 'Takes back a post that has not been published yet.', params: [postId],
  },
  {
    id: 'retryPost', group: 'Posts', operation: 'retryPost', label: 'Retry a post', crud: 'update', once: true,
    description: 'Publishes a post again where it has failed.',
    params: [postId, { name: 'unconfirmed', type: 'boolean', label: 'Also where it is not known', help: 'Publishes also where nobody knows whether the post is there. It may then be there twice.' }, once],
    body: given('unconfirmed'),
  },
  {
    id: 'createContact', group: 'Contacts', operation: 'createContact', label: 'Create a contact', crud: 'create', once: true,
    description: 'Adds a person.', params: [text('phone_number', 'Phone number', { required, help: 'With its country code.' }), ...facts, once],
    body: given('phone_number', 'name', 'phone_number_cc', 'extra_fields', 'is_blocked'),
  },
  { id: 'getContact', group: 'Contacts', operation: 'getContact', label: 'Get a contact', crud: 'read', description: 'Returns a person.', params: [contactId] },
  {
    id: 'updateContact', group: 'Contacts', operation: 'updateContact', label: 'Update a contact', crud: 'update',
    description: 'Changes what you fill in, and leaves the rest as it is.', params: [contactId, text('phone_number', 'Phone number'), ...facts],
    body: given('phone_number', 'name', 'phone_number_cc', 'extra_fields', 'is_blocked'),
  },
  { id: 'deleteContact', group: 'Contacts', operation: 'deleteContact', label: 'Delete a contact', crud: 'delete', description: 'Removes a person.', params: [contactId] },
  {
    id: 'createSession', group: 'WhatsApp sessions', operation: 'createSession', label: 'Create a session', crud: 'create', once: true,
    description: 'Prepares the linking of a WhatsApp device. Show its QR code next, or pair it by a phone number.',
    params: [text('name', 'Name', { help: 'For your own lists.' }), once], body: given('name'),
  },
  { id: 'getSession', group: 'WhatsApp sessions', operation: 'getSession', label: 'Get a session', crud: 'read', description: 'Returns a linked WhatsApp device and its status.', params: [session] },
  {
    id: 'getSessionQr', group: 'WhatsApp sessions', operation: 'getSessionQr', label: 'Get the QR code of a session', crud: 'read', valid: '{{body.qr}}',
    description: 'Returns the code that waits to be scanned, as text and as a picture for a page.', params: [session],
  },
  {
    id: 'downloadSessionQr', group: 'WhatsApp sessions', operation: 'getSessionQr', label: 'Download the QR code of a session', crud: 'read',
    description: 'Returns the code that waits to be scanned as a PNG file, to mail or to store.', params: [session], picture: true,
  },
  {
    id: 'pairSession', group: 'WhatsApp sessions', operation: 'pairSession', label: 'Pair a session by phone number', crud: 'update', valid: '{{body.code}}',
    description: 'Returns a code to type into the phone, in place of scanning a QR code.',
    params: [session, text('phoneNumber', 'Phone number', { required, help: 'Of the phone to link, with its country code.' })], body: given('phoneNumber'),
  },
  {
    id: 'logoutSession', group: 'WhatsApp sessions', operation: 'logoutSession', label: 'Log out a session', crud: 'update',
    description: 'Unlinks the WhatsApp device.', params: [session], body: {},
  },
  {
    id: 'checkChannel', group: 'Channels', operation: 'checkChannel', label: 'Check a channel', crud: 'read', valid: '{{body.status}}',
    description: 'Asks the network whether the credentials of a channel work.', params: [{ ...channel, required }], body: {},
  },
  {
    id: 'getSampleEvent', group: 'Events', operation: 'getEventSample', label: 'Get a sample event', crud: 'read',
    description: 'Returns an example of an event, to build a scenario before anything has happened.', params: [{ ...kind, required }],
  },
];

export const searches = [
  {
    id: 'listMessages', group: 'Messages', operation: 'listMessages', label: 'List messages', description: 'Returns messages, the newest first.',
    params: [channel, text('contact', 'Contact', { help: 'The number or address of a person.' }), oneOf('direction', 'Direction', ['inbound', 'outbound']),
      oneOf('status', 'Status', ['received', 'queued', 'sending', 'unconfirmed', 'sent', 'delivered', 'read', 'failed'])],
  },
  {
    id: 'listPosts', group: 'Posts', operation: 'listPosts', label: 'List posts', description: 'Returns posts, the newest first.',
    params: [oneOf('status', 'Status', ['draft', 'queued', 'scheduled', 'publishing', 'published', 'failed', 'unconfirmed', 'cancelled', 'partial']), queue],
  },
  { id: 'listQueues', group: 'Posts', operation: 'listQueues', label: 'List queues', description: 'Returns the queues, with their slots.', params: [] },
  {
    id: 'searchContacts', group: 'Contacts', operation: 'listContacts', label: 'Search contacts', description: 'Finds people by number or name.',
    params: [text('phone_number', 'Phone number'), text('q', 'Text', { help: 'Part of a name or number.' })],
  },
  { id: 'listSessions', group: 'WhatsApp sessions', operation: 'listSessions', label: 'List sessions', description: 'Returns the linked WhatsApp devices.', params: [] },
  {
    id: 'checkNumbers', group: 'WhatsApp sessions', operation: 'checkSessionNumbers', label: 'Check phone numbers',
    description: 'Tells of each number whether it is on WhatsApp.', unpaged: true,
    params: [session, { name: 'numbers', type: 'array', label: 'Phone numbers', required, spec: { type: 'text' } }], body: given('numbers'),
  },
  { id: 'listChannels', group: 'Channels', operation: 'listChannels', label: 'List channels', description: 'Returns the connected numbers, pages and profiles.', params: [] },
  {
    id: 'listEvents', group: 'Events', operation: 'listEvents', label: 'List events', description: 'Returns what has happened, the newest first.',
    params: [kind, channel, { name: 'since', type: 'date', label: 'Since' }],
  },
].map((one) => (one.unpaged ? one : { ...one, params: [...one.params, limit] }));
