import { contact } from './contact';
import { message } from './message';
import { post, queue } from './post';
import { channel, session, webhook } from './session';
import type { Action } from './values';

/** What every operation of every resource does. */
export const actions: Record<string, Record<string, Action>> = { channel, contact, message, post, queue, session, webhook };
