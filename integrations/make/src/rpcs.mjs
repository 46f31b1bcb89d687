// What Make's editor asks the server for: the lists that people choose from.
const MOST = 300; // rows; an editor waits 40 seconds, and nobody scrolls through more
const PAGE = 100; // the most rows that the server gives at once

const paged = { mergeWithParent: true, qs: { cursor: '{{body.nextCursor}}' }, condition: '{{body.nextCursor}}' };

const list = (label, url, output, { qs, whole } = {}) => ({
  label,
  communication: {
    url,
    method: 'GET',
    ...(!whole && { qs: { limit: PAGE, ...qs } }),
    response: { limit: MOST, iterate: '{{body.data}}', output },
    ...(!whole && { pagination: paged }),
  },
});

const channel = { label: "{{item.name}} ({{item.connector}}{{if(item.address, ' ' + item.address, '')}})", value: '{{item.id}}' };

export const rpcs = {
  listChannels: list('List channels', '/v1/channels', channel),
  listSendingChannels: list('List channels that send', '/v1/channels', channel, { qs: { ability: 'send' } }),
  listPostingChannels: list('List channels that publish', '/v1/channels', channel, { qs: { ability: 'publish' } }),
  listSessions: list('List WhatsApp sessions', '/v1/sessions', {
    label: '{{item.name}} ({{ifempty(item.phone, item.status)}})',
    value: '{{item.id}}',
  }),
  listQueues: list('List queues', '/v1/queues', { label: '{{item.name}}', value: '{{item.id}}' }),
  listEventTypes: list('List kinds of event', '/v1/event-types', { label: '{{item.title}}', value: '{{item.event}}' }, { whole: true }),
};
