// Fields that several modules have.
const choice = (name, label, store, rest = {}) => ({ name, type: 'select', label, options: `rpc://${store}`, ...rest });
export const text = (name, label, rest = {}) => ({ name, type: 'text', label, ...rest });
const required = true;

// oneOf is a list of fixed values to choose from; their labels are the values in words.
export const oneOf = (name, label, values, rest = {}) => ({
  name,
  type: 'select',
  label,
  ...rest,
  options: values.map((value) => ({ label: value[0].toUpperCase() + value.slice(1).replaceAll('_', ' '), value })),
});

export const channel = choice('channelId', 'Channel', 'listChannels');
export const sender = choice('channelId', 'Channel', 'listSendingChannels', { required, help: 'The number, page or profile that sends.' });
export const targets = choice('channelIds', 'Channels', 'listPostingChannels', {
  multiple: true,
  help: 'Where to publish. Leave it empty where you choose a queue.',
});
export const watched = choice('channelIds', 'Channels', 'listChannels', { multiple: true, help: 'Leave it empty for all channels.' });
export const watchedSessions = choice('channelIds', 'WhatsApp sessions', 'listSessions', {
  multiple: true,
  help: 'Leave it empty for all sessions.',
});
export const session = choice('sessionId', 'WhatsApp session', 'listSessions', { required, help: 'The linked WhatsApp device.' });
export const queue = choice('queueId', 'Queue', 'listQueues');
export const kinds = choice('events', 'Events', 'listEventTypes', { multiple: true, required });
export const kind = choice('event', 'Event', 'listEventTypes');

export const recipient = text('to', 'Recipient', {
  required,
  help: 'A phone number with its country code, such as 15551234567, or an address of the network. To answer a message, map its Chat if it has one, else its From.',
});
export const once = text('idempotencyKey', 'Idempotency key', {
  advanced: true,
  help: 'Any text that names this step of this run, such as the ID of the event that started it. A request that repeats it within 24 hours acts only once.',
});
export const limit = {
  name: 'limit',
  type: 'uinteger',
  label: 'Limit',
  default: 10,
  required,
  help: 'The most bundles that this module returns in one run.',
};
export const media = {
  name: 'media',
  type: 'array',
  label: 'Files',
  spec: [
    { name: 'url', type: 'url', label: 'URL', required, help: 'Where the server can download the file: a public https address.' },
    text('contentType', 'Content type', { help: 'Such as image/jpeg. Leave it empty and it is found out.' }),
    text('fileName', 'File name'),
  ],
};
