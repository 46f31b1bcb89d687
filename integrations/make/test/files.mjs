// The app's files as tests look at them.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from '../player/player.mjs';

export const folder = fileURLToPath(new URL('../app', import.meta.url));
export const golden = fileURLToPath(new URL('../../samples', import.meta.url));
export const app = load(folder);
export const read = (name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8'));

// goldenEvents are the golden events in the format that the app subscribes to, by name.
export const goldenEvents = Object.fromEntries(
  fs
    .readdirSync(golden)
    .filter((name) => /^\w+\.\w+\.json$/.test(name))
    .map((name) => [name.slice(0, -5), JSON.parse(fs.readFileSync(path.join(golden, name), 'utf8'))]),
);

// requests are all requests of the app, as [name, communication, the fields of its form].
export const requests = [
  ...Object.entries(app.connection).map(([id, one]) => [`connection ${id}`, one.communication, one.params]),
  ...Object.entries(app.rpc).map(([id, one]) => [`rpc ${id}`, one.communication, []]),
  ...Object.entries(app.webhook).flatMap(([id, one]) => [
    [`webhook ${id} attach`, one.attach, one.params],
    [`webhook ${id} detach`, one.detach, []],
  ]),
  ...Object.entries(app.module)
    .filter(([, one]) => one.communication.url)
    .map(([id, one]) => [`module ${id}`, one.communication, one.mappableParams]),
];
