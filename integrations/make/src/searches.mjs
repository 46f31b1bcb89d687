// The searches, each with the operation of openapi.yaml that it calls.
import { channel, kind, limit, oneOf, queue, session, text } from './params.mjs';

const required = true;

export const searches = [
  {
    id: 'listMessages',
    group: 'Messages',
    operation: 'listMessages',
    label: 'List messages',
    description: 'Returns messages, the newest first.',
    params: [
      channel,
      text('contact', 'Contact', { help: 'The number or address of a person.' }),
      oneOf('direction', 'Direction', ['inbound', 'outbound']),
      oneOf('status', 'Status', ['received', 'queued', 'sending', 'unconfirmed', 'sent', 'delivered', 'read', 'failed']),
    ],
  },
  {
    id: 'listPosts',
    group: 'Posts',
    operation: 'listPosts',
    label: 'List posts',
    description: 'Returns posts, the newest first.',
    params: [
      oneOf('status', 'Status', ['draft', 'queued', 'scheduled', 'publishing', 'published', 'failed', 'unconfirmed', 'cancelled', 'partial']),
      queue,
    ],
  },
  {
    id: 'listQueues',
    group: 'Posts',
    operation: 'listQueues',
    label: 'List queues',
    description: 'Returns the queues, with their slots.',
    params: [],
  },
  {
    id: 'searchContacts',
    group: 'Contacts',
    operation: 'listContacts',
    label: 'Search contacts',
    description: 'Finds people by number or name.',
    params: [text('phone_number', 'Phone number'), text('q', 'Text', { help: 'Part of a name or number.' })],
  },
  {
    id: 'listSessions',
    group: 'WhatsApp sessions',
    operation: 'listSessions',
    label: 'List sessions',
    description: 'Returns the linked WhatsApp devices.',
    params: [],
  },
  {
    id: 'checkNumbers',
    group: 'WhatsApp sessions',
    operation: 'checkSessionNumbers',
    label: 'Check phone numbers',
    description: 'Tells of each number whether it is on WhatsApp.',
    unpaged: true,
    params: [session, { name: 'numbers', type: 'array', label: 'Phone numbers', required, spec: { type: 'text' } }],
    body: { numbers: '{{parameters.numbers}}' },
  },
  {
    id: 'listChannels',
    group: 'Channels',
    operation: 'listChannels',
    label: 'List channels',
    description: 'Returns the connected numbers, pages and profiles.',
    params: [],
  },
  {
    id: 'listEvents',
    group: 'Events',
    operation: 'listEvents',
    label: 'List events',
    description: 'Returns what has happened, the newest first.',
    params: [kind, channel, { name: 'since', type: 'date', label: 'Since' }],
  },
].map((one) => (one.unpaged ? one : { ...one, params: [...one.params, limit] }));
