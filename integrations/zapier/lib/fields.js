'use strict';

const channelId = {
  key: 'channelId',
  label: 'Channel',
  type: 'string',
  required: true,
  dynamic: 'list_channels.id.label',
  search: 'find_channel.id',
  helpText: 'The number, page or profile that acts.',
};
const sender = { ...channelId, dynamic: 'list_sending_channels.id.label', helpText: 'The number, page or profile that sends.' };
const channelIds = {
  key: 'channelIds',
  label: 'Channels',
  type: 'string',
  list: true,
  dynamic: 'list_channels.id.label',
  search: 'find_channel.id',
};
const targets = { ...channelIds, dynamic: 'list_publishing_channels.id.label' };
const sessionId = {
  key: 'sessionId',
  label: 'WhatsApp Session',
  type: 'string',
  required: true,
  dynamic: 'list_sessions.id.label',
  search: 'find_session.id',
  helpText: 'The linked WhatsApp device.',
};
const queueId = { key: 'queueId', label: 'Queue', type: 'string', dynamic: 'list_queues.id.label' };
const recipient = {
  key: 'to',
  label: 'Recipient',
  type: 'string',
  required: true,
  placeholder: '15551234567',
  helpText: 'A phone number with its country code, or an address of the network. To answer a message, map its `Chat` if it has one, else its `From`.',
};
const files = {
  key: 'files',
  label: 'Files',
  type: 'file',
  list: true,
  helpText: 'Files of earlier steps, or https addresses that the server can download from.',
};
const repeatKey = {
  key: 'repeatKey',
  label: 'Repeat Key',
  type: 'string',
  helpText:
    'When Zapier repeats a run, Switchhook acts once: the same inputs in the same Zap count as a repeat for 24 hours. ' +
    'If this Zap may want the very same thing twice in a day, map the ID of the trigger here.',
};

module.exports = { channelId, channelIds, files, queueId, recipient, repeatKey, sender, sessionId, targets };
