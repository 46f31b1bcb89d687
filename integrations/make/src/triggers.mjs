// The instant triggers. Each has its own webhook, so that a scenario is never started by what its first module does not describe.
import { kinds, watched, watchedSessions } from './params.mjs';

export const triggers = [
  {
    id: 'watchMessages',
    group: 'Messages',
    event: 'message.received',
    label: 'Watch messages',
    description: 'Triggers when somebody writes on one of your channels.',
    params: [watched],
  },
  {
    id: 'watchMessageStatuses',
    group: 'Messages',
    event: 'message.status',
    label: 'Watch message statuses',
    description: 'Triggers when a message that you sent is sent, delivered, read, has failed, or is unconfirmed.',
    params: [watched],
  },
  {
    id: 'watchSessions',
    group: 'WhatsApp sessions',
    event: 'session.status',
    label: 'Watch session statuses',
    description: 'Triggers when a linked WhatsApp device connects, disconnects or is logged out.',
    params: [watchedSessions],
  },
  {
    id: 'watchQrCodes',
    group: 'WhatsApp sessions',
    event: 'session.qr',
    label: 'Watch QR codes',
    description: 'Triggers when a new QR code waits to be scanned.',
    params: [watchedSessions],
  },
  {
    id: 'watchPublishedPosts',
    group: 'Posts',
    event: 'post.published',
    label: 'Watch published posts',
    description: 'Triggers when a post went out on a network.',
    params: [watched],
  },
  {
    id: 'watchFailedPosts',
    group: 'Posts',
    event: 'post.failed',
    label: 'Watch failed posts',
    description: 'Triggers when a post could not be published, or nobody knows whether it was.',
    params: [watched],
  },
  {
    id: 'watchScheduledPosts',
    group: 'Posts',
    event: 'post.scheduled',
    label: 'Watch scheduled posts',
    description: 'Triggers when a post gets its time.',
    params: [watched],
  },
  {
    id: 'watchConnectedChannels',
    group: 'Channels',
    event: 'account.connected',
    label: 'Watch connected channels',
    description: 'Triggers when the credentials of a channel work, for the first time or again.',
    params: [watched],
  },
  {
    id: 'watchDisconnectedChannels',
    group: 'Channels',
    event: 'account.disconnected',
    label: 'Watch disconnected channels',
    description: 'Triggers when a network refuses the credentials of a channel.',
    params: [watched],
  },
  {
    id: 'watchDisabledWebhooks',
    group: 'Events',
    event: 'webhook.disabled',
    label: 'Watch disabled webhooks',
    description: 'Triggers when a webhook is switched off because its receiver has failed for days or is gone.',
    params: [],
  },
  {
    id: 'watchEvents',
    group: 'Events',
    label: 'Watch events',
    description: 'Triggers when any of the events that you choose happens.',
    params: [kinds, watched],
  },
];

// hook is the name of a trigger's webhook: watchMessages has messages.
export const hook = ({ id }) => id[5].toLowerCase() + id.slice(6);
