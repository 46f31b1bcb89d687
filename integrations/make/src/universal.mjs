// The module that every app of Make has: any request, with the connection's address and key.
const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'];
const pair = [
  { name: 'key', type: 'text', label: 'Key' },
  { name: 'value', type: 'text', label: 'Value' },
];
const required = true;

export const universal = {
  id: 'makeApiCall',
  group: 'Other',
  label: 'Make an API call',
  description: 'Performs any request with the connection, such as one that no other module makes.',
  files: {
    // The slash in front keeps the request, and the key with it, on the connection's own server.
    communication: {
      url: "{{if(substring(parameters.url, 0, 1) == '/', parameters.url, '/' + parameters.url)}}",
      method: '{{parameters.method}}',
      headers: { '{{...}}': "{{toCollection(parameters.headers, 'key', 'value')}}" },
      qs: { '{{...}}': "{{toCollection(parameters.qs, 'key', 'value')}}" },
      body: '{{parameters.body}}',
      type: 'text',
      response: { type: 'automatic', output: { statusCode: '{{statusCode}}', headers: '{{headers}}', body: '{{body}}' } },
    },
    mappableParams: [
      {
        name: 'url',
        type: 'text',
        label: 'URL',
        required,
        help: 'A path on your server, such as `/v1/channels`. Your server describes all of them at `/docs`.',
      },
      { name: 'method', type: 'select', label: 'Method', required, default: 'GET', options: METHODS.map((value) => ({ label: value, value })) },
      {
        name: 'headers',
        type: 'array',
        label: 'Headers',
        spec: pair,
        default: [{ key: 'Content-Type', value: 'application/json' }],
        help: 'The API key is added by itself.',
      },
      { name: 'qs', type: 'array', label: 'Query string', spec: pair },
      { name: 'body', type: 'text', label: 'Body', multiline: true, help: 'JSON.' },
    ],
    interface: [
      { name: 'statusCode', type: 'number', label: 'Status code' },
      { name: 'headers', type: 'collection', label: 'Headers' },
      { name: 'body', type: 'any', label: 'Body' },
    ],
    samples: { statusCode: 200, headers: {}, body: { data: [], nextCursor: null } },
  },
};
