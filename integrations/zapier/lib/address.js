'use strict';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
// What people copy along with the address: the dashboard, the documentation, the interface itself.
const PAGES = /\/(v1|app|docs|openapi\.(json|yaml))(\/.*)?$/;

// baseAddress returns the address of a server, without a slash at the end, from what a person typed: https, or http on this machine, which only
// tests use. It throws z.errors.Error with a sentence where that is no such address, so that the key is never sent anywhere else.
const baseAddress = (z, typed) => {
  const text = String(typed ?? '').trim();
  const wrong = (why) =>
    new z.errors.Error(`${why} Enter the address of your Switchhook server, such as https://hooks.example.com.`, 'invalid_address', 400);
  if (!text) throw wrong('The server address is empty.');
  let url;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`);
  } catch {
    throw wrong(`“${text}” is not an address.`);
  }
  if (url.username || url.password) throw wrong('The server address contains a user name or a password.');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.includes(url.hostname))) {
    throw wrong(`The server address must begin with https://, because the API key is sent there.`);
  }
  return url.origin + url.pathname.replace(PAGES, '').replace(/\/+$/, '');
};

module.exports = { baseAddress };
