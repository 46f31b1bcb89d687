'use strict';

// The samples stand here by name, because the build for Zapier packs what it sees required.
const samples = {
  'message.received': require('../samples/message.received.json'),
  'message.status': require('../samples/message.status.json'),
  'session.status': require('../samples/session.status.json'),
  'session.qr': require('../samples/session.qr.json'),
  'post.published': require('../samples/post.published.json'),
  'post.failed': require('../samples/post.failed.json'),
  'post.scheduled': require('../samples/post.scheduled.json'),
  'account.connected': require('../samples/account.connected.json'),
  'account.disconnected': require('../samples/account.disconnected.json'),
  'webhook.disabled': require('../samples/webhook.disabled.json'),
};

const field = (key, label, type = 'string') => ({ key, label, type });
const message = [
  field('data__id', 'Message ID'),
  field('data__to', 'To'),
  field('data__platform', 'Network'),
  field('data__providerMessageId', 'Network Message ID'),
];
const failure = [
  field('data__error__code', 'Network Error Code', 'integer'),
  field('data__error__reason', 'Error Reason'),
  field('data__error__message', 'Error Message'),
];
const post = [field('data__postId', 'Post ID'), field('data__platform', 'Network'), field('data__status', 'Status')];
const channel = [
  field('data__channelId', 'Channel ID'),
  field('data__connector', 'Kind of Channel'),
  field('data__platform', 'Network'),
  field('data__name', 'Channel Name'),
  field('data__address', 'Channel Address'),
];
const session = [field('data__sessionId', 'Session ID')];

// events is one row for each event of GET /v1/event-types. `of` names the list that its channels are chosen from.
const events = [
  {
    event: 'message.received',
    noun: 'Message',
    label: 'New Message',
    description: 'Triggers when somebody writes on one of your channels.',
    of: 'channels',
    outputs: [
      ...message,
      field('data__from', 'From'),
      field('data__pushName', 'Name of the Sender'),
      field('data__type', 'Type'),
      field('data__text', 'Text'),
      field('data__chat', 'Chat'),
      field('data__fromMe', 'Written by Me', 'boolean'),
      field('data__replyTo', 'Reply To'),
      field('data__media[]url', 'Media URL'),
      field('data__media[]kind', 'Media Kind'),
      field('data__media[]contentType', 'Media Content Type'),
      field('data__media[]fileName', 'Media File Name'),
      field('data__contact__id', 'Contact ID', 'integer'),
      field('data__contact__name', 'Contact Name'),
      field('data__timestamp', 'Sent At', 'datetime'),
    ],
  },
  {
    event: 'message.status',
    noun: 'Message Status',
    label: 'Message Status Changed',
    description: 'Triggers when a message that you sent is sent, delivered, read, has failed, or is unconfirmed.',
    of: 'channels',
    outputs: [...message, field('data__status', 'Status'), ...failure, field('data__timestamp', 'Changed At', 'datetime')],
  },
  {
    event: 'post.published',
    noun: 'Post',
    label: 'Post Published',
    description: 'Triggers when a post goes out on one of its channels.',
    of: 'channels',
    outputs: [
      ...post,
      field('data__platformPostId', 'Network Post ID'),
      field('data__platformPostUrl', 'Post URL'),
      field('data__timestamp', 'Published At', 'datetime'),
    ],
  },
  {
    event: 'post.failed',
    noun: 'Post',
    label: 'Post Failed',
    description: 'Triggers when a post could not go out on one of its channels, or when nobody knows whether it did.',
    of: 'channels',
    outputs: [...post, ...failure, field('data__timestamp', 'Failed At', 'datetime')],
  },
  {
    event: 'post.scheduled',
    noun: 'Post',
    label: 'Post Scheduled',
    description: 'Triggers when a post gets the time at which it goes out.',
    of: 'channels',
    outputs: [...post, field('data__scheduledAt', 'Scheduled For', 'datetime'), field('data__timestamp', 'Decided At', 'datetime')],
  },
  {
    event: 'account.connected',
    noun: 'Channel',
    label: 'Channel Connected',
    description: 'Triggers when the credentials of a channel work, for the first time or again.',
    of: 'channels',
    outputs: [...channel, field('data__timestamp', 'Connected At', 'datetime')],
  },
  {
    event: 'account.disconnected',
    noun: 'Channel',
    label: 'Channel Disconnected',
    description: 'Triggers when the network refuses the credentials of a channel.',
    of: 'channels',
    outputs: [
      ...channel,
      field('data__code', 'Error Code'),
      field('data__message', 'Error Message'),
      field('data__timestamp', 'Disconnected At', 'datetime'),
    ],
  },
  {
    event: 'session.status',
    noun: 'Session Status',
    label: 'WhatsApp Session Changed',
    description: 'Triggers when a linked WhatsApp device goes online, goes offline, or is unlinked.',
    of: 'sessions',
    outputs: [
      ...session,
      field('data__status', 'Status'),
      field('data__previousStatus', 'Previous Status'),
      field('data__reason', 'Reason'),
      field('data__message', 'Message'),
      field('data__phone', 'Phone'),
      field('data__pushName', 'Name on WhatsApp'),
      field('data__timestamp', 'Changed At', 'datetime'),
    ],
  },
  {
    event: 'session.qr',
    noun: 'QR Code',
    label: 'WhatsApp QR Code Waiting',
    description: 'Triggers when a new QR code waits to be scanned with WhatsApp.',
    of: 'sessions',
    outputs: [
      ...session,
      field('data__qr', 'QR Code'),
      field('data__expiresAt', 'Expires At', 'datetime'),
      field('data__timestamp', 'Made At', 'datetime'),
    ],
  },
  {
    event: 'webhook.disabled',
    noun: 'Webhook',
    label: 'Webhook Disabled',
    description: 'Triggers when Switchhook switches a webhook off, because its receiver has failed for days or wants no more.',
    outputs: [
      field('data__webhookId', 'Webhook ID'),
      field('data__url', 'Address'),
      field('data__status', 'Status'),
      field('data__reason', 'Reason'),
      field('data__timestamp', 'Disabled At', 'datetime'),
    ],
  },
];

module.exports = { events, samples };
