'use strict';

const { version: platformVersion } = require('zapier-platform-core');
const { version } = require('./package.json');
const authentication = require('./authentication');
const { authorize, judge } = require('./lib/api');
const { events } = require('./lib/events');
const { trigger } = require('./triggers/event');
const lists = require('./triggers/lists');
const messages = require('./creates/messages');
const posts = require('./creates/posts');
const createContact = require('./creates/contact');
const markRead = require('./creates/read');
const findContact = require('./searches/contact');
const findMessage = require('./searches/message');
const findPost = require('./searches/post');
const channels = require('./searches/channels');

const byKey = (all) => Object.fromEntries(all.map((one) => [one.key, one]));

module.exports = {
  version,
  platformVersion,
  // Empty fields never reach a perform. A 429 is seen by judge, which keeps the server's own sentence.
  flags: { cleanInputData: true, throwForThrottlingEarly: false },
  authentication,
  beforeRequest: [authorize],
  afterResponse: [judge],
  triggers: byKey([...events.map(trigger), ...lists]),
  creates: byKey([...messages, ...posts, createContact, markRead]),
  searches: byKey([findContact, findMessage, findPost, ...channels]),
  searchOrCreates: {
    find_contact: {
      key: 'find_contact',
      display: { label: 'Find or Create Contact', description: 'Finds a person by phone number, or adds them.' },
      search: 'find_contact',
      create: 'create_contact',
    },
  },
};
