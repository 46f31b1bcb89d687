'use strict';

const { find, matching } = require('../lib/api');
const { filled } = require('../lib/act');
const { queueId } = require('../lib/fields');
const { post } = require('../samples/answers');

const search = (z, bundle) => {
  const { postId, status, queueId: of, text } = bundle.inputData;
  if (postId) return find(z, bundle, `/v1/posts/${encodeURIComponent(postId)}`);
  const part = (text ?? '').toLowerCase();
  return matching(z, bundle, '/v1/posts', filled({ status, queueId: of }), (row) => `${row.title}\n${row.body}`.toLowerCase().includes(part));
};

module.exports = {
  key: 'find_post',
  noun: 'Post',
  display: { label: 'Find Post', description: 'Finds a post by its ID, or the newest that fits.' },
  operation: {
    inputFields: [
      { key: 'postId', label: 'Post ID', type: 'string', dynamic: 'list_posts.id.label', helpText: 'With this, nothing else counts.' },
      {
        key: 'status',
        label: 'Status',
        type: 'string',
        choices: {
          draft: 'Draft',
          queued: 'Queued',
          scheduled: 'Scheduled',
          publishing: 'Publishing',
          published: 'Published',
          failed: 'Failed',
          unconfirmed: 'Unconfirmed',
          cancelled: 'Cancelled',
          partial: 'Published on Some Channels',
        },
      },
      { ...queueId, helpText: 'Only posts of this queue.' },
      { key: 'text', label: 'Part of the Title or Text', type: 'string', helpText: 'Looked for in the newest 2,000 posts that fit.' },
    ],
    perform: search,
    sample: post,
    outputFields: [
      { key: 'id', label: 'Post ID', type: 'string' },
      { key: 'status', label: 'Status', type: 'string' },
      { key: 'targets[]url', label: 'Post URL', type: 'string' },
      { key: 'createdAt', label: 'Created At', type: 'datetime' },
    ],
  },
};
