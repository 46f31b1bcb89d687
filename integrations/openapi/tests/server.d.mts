import type { IncomingHttpHeaders } from 'node:http';

export interface Delivery {
  headers: IncomingHttpHeaders;
  raw: string;
  body: { event: string };
}
export function until<T>(what: string, ask: () => T | Promise<T>): Promise<NonNullable<T>>;
export function startServer(): Promise<{ url: string; stop: () => Promise<void> }>;
export function startReceiver(): Promise<{ url: string; got: Delivery[]; delivery: (event: string) => Promise<Delivery>; stop: () => Promise<void> }>;
