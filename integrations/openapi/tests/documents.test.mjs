// The documents are valid to a second reader of each version, and our own rules find what they are there to find.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

import SwaggerParser from '@apidevtools/swagger-parser';
import { parse } from 'yaml';

const source = '../../openapi.yaml';
const scratch = await mkdtemp(join(tmpdir(), 'switchhook-openapi-'));
after(() => rm(scratch, { recursive: true, force: true }));

for (const [file, version] of [[source, '3.0.3'], ['dist/openapi-3.1.yaml', '3.1.0'], ['dist/power-automate.swagger.json', '2.0']]) {
  test(`${file} is valid`, async () => {
    const document = await SwaggerParser.validate(file);
    assert.equal(document.openapi ?? document.swagger, version);
  });
}

test('the derived documents have the operations of the source', async () => {
  const names = async (file) => {
    const document = parse(await readFile(file, 'utf8'));
    return Object.values(document.paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId)).filter(Boolean);
  };
  const all = await names(source);
  assert.deepEqual(await names('dist/openapi-3.1.yaml'), all);
  const connector = await names('dist/power-automate.swagger.json');
  assert.ok(connector.length > 40);
  for (const name of connector) assert.ok(all.includes(name), name);
});

test('each rule finds what it is there to find', async () => {
  const document = parse(await readFile(source, 'utf8'));
  const { get, post } = document.paths['/v1/channels'];
  get.operationId = 'list_channels';
  get.summary = 'This summary is much too long for a list of operations.';
  get.responses = { 200: get.responses[200] };
  delete post.description;
  delete document.components.parameters.Limit.description;
  document.components.schemas.Unused = { type: 'object', description: 'Nothing refers to it.' };
  const messages = document.paths['/v1/messages'].post.requestBody.content['application/json'];
  messages.schema.oneOf = [{ required: ['channelId'] }];
  messages.example.to = 15551234567;
  const file = join(scratch, 'broken.json');
  await writeFile(file, JSON.stringify(document));
  const { stdout } = await promisify(execFile)('node_modules/.bin/spectral', ['lint', file, '-r', 'spectral.yaml', '-f', 'json', '-q'], { maxBuffer: 1 << 26 }).catch((failed) => failed);
  const found = new Set(JSON.parse(stdout).map(({ code }) => code));
  for (const rule of [
    'switchhook-operation-id', 'switchhook-summary-short', 'switchhook-error-answer', 'switchhook-operation-explained',
    'switchhook-parameter-explained', 'switchhook-flat-bodies', 'oas3-unused-component', 'oas3-valid-media-example',
  ]) assert.ok(found.has(rule), `${rule} did not find what is wrong`);
});
