'use strict';

const { call } = require('../lib/api');
const { act, filled, many } = require('../lib/act');
const { files, queueId, repeatKey, targets } = require('../lib/fields');
const { post } = require('../samples/answers');

const outputFields = [
  { key: 'id', label: 'Post ID', type: 'string' },
  { key: 'status', label: 'Status', type: 'string' },
  { key: 'publishAt', label: 'Publish At', type: 'datetime' },
  { key: 'slotAt', label: 'Time in the Queue', type: 'datetime' },
  { key: 'targets[]channelId', label: 'Channel ID', type: 'string' },
  { key: 'targets[]status', label: 'Status on the Channel', type: 'string' },
  { key: 'warnings[]message', label: 'Warning', type: 'string' },
  { key: 'createdAt', label: 'Created At', type: 'datetime' },
];

// content is the body of a post. The alternative texts belong to the files in their order.
const content = (given) => {
  const alts = many(given.alts);
  return filled({
    title: given.title,
    body: given.body,
    channelIds: many(given.channelIds),
    queueId: given.queueId,
    publishAt: given.publishAt,
    media: many(given.files).map((url, index) => filled({ url, alt: alts[index] })),
    firstComment: given.firstComment,
    overflow: given.overflow,
    draft: given.draft,
  });
};

const create = {
  key: 'create_post',
  noun: 'Post',
  display: { label: 'Create Post', description: 'Publishes a post on some channels, at once, at a time, or as the next of a queue.' },
  operation: {
    inputFields: [
      { key: 'body', label: 'Text', type: 'text', helpText: 'Plain or HTML. Each network gets it in its own form.' },
      { ...targets, helpText: 'Where it goes. In place of them, choose a queue.' },
      { ...queueId, helpText: 'The queue that it is put at the end of; it goes to the channels of the queue.' },
      { key: 'publishAt', label: 'Publish At', type: 'datetime', helpText: 'Leave this empty to publish at once, or when the queue says.' },
      { key: 'title', label: 'Title', type: 'string', helpText: 'For networks that have titles.' },
      { ...files, helpText: 'Pictures or a film: files of earlier steps, or https addresses that the server can download from.' },
      {
        key: 'alts',
        label: 'Alternative Texts',
        type: 'string',
        list: true,
        helpText: 'What is to be seen on each file, in the order of the files, for people who do not see it.',
      },
      { key: 'firstComment', label: 'First Comment', type: 'text', helpText: 'Put below the post, on networks that have comments.' },
      {
        key: 'overflow',
        label: 'If the Text Is Too Long',
        type: 'string',
        choices: { error: 'Stop With an Error', truncate: 'Cut It at a Word', split: 'Make Several Posts of It' },
        helpText: 'What becomes of a text that is longer than a network takes. Without a choice, it is an error.',
      },
      { key: 'draft', label: 'Draft', type: 'boolean', helpText: 'Keeps the post without publishing it.' },
      repeatKey,
    ],
    perform: (z, bundle) => act(z, bundle, 'create_post', '/v1/posts', content(bundle.inputData)),
    sample: { ...post, repeated: false },
    outputFields: [...outputFields, { key: 'repeated', label: 'Had Been Made Before', type: 'boolean' }],
  },
};

const cancel = {
  key: 'cancel_post',
  noun: 'Post',
  display: { label: 'Cancel Post', description: 'Cancels a post before its publishing begins, and gives its place in a queue back.' },
  operation: {
    inputFields: [{ key: 'postId', label: 'Post', type: 'string', required: true, dynamic: 'list_posts.id.label', search: 'find_post.id' }],
    perform: async (z, bundle) =>
      (await call(z, bundle, { method: 'DELETE', path: `/v1/posts/${encodeURIComponent(bundle.inputData.postId)}` })).data,
    sample: { ...post, status: 'cancelled' },
    outputFields,
  },
};

module.exports = [create, cancel];
