'use strict';

const { baseAddress } = require('./lib/address');
const { call, judge } = require('./lib/api');

// test asks the server whom the key stands for. Another server may answer anything, so the answer is looked at.
const test = async (z, bundle) => {
  const base = baseAddress(z, bundle.authData.baseUrl);
  const response = await call(z, bundle, { path: '/v1/me', skipThrowForStatus: true });
  const { data: me } = judge({ ...response, skipThrowForStatus: false }, z, { meta: { isTestingAuth: true } });
  if (!me?.account?.id) {
    throw new z.errors.Error(`${base} answers, but it is not Switchhook. Check the server address of the connection.`, 'not_switchhook', 400);
  }
  return { ...me, name: me.account.name, server: base.replace(/^https?:\/\//, ''), keyName: me.key?.name ?? '' };
};

module.exports = {
  type: 'custom',
  test,
  connectionLabel: '{{name}} at {{server}} ({{keyName}})',
  fields: [
    {
      key: 'baseUrl',
      label: 'Server Address',
      type: 'string',
      required: true,
      isNoSecret: true,
      placeholder: 'https://hooks.example.com',
      helpText:
        'Where your Switchhook server is reached from the internet, such as `https://hooks.example.com`: its `BASE_URL`. ' +
        'See [how to run a server](https://github.com/switchhook/switchhook#readme).',
    },
    {
      key: 'apiKey',
      label: 'API Key',
      type: 'password',
      required: true,
      helpText:
        'Make a key in the dashboard of your server, or with `switchhook keys create`; it begins with `sk_live_`. ' +
        'See [how to get a key](https://github.com/switchhook/switchhook/blob/main/integrations/zapier/README.md#connect).',
    },
  ],
};
