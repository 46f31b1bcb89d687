'use strict';

// The checks that Zapier runs on a definition before an app may go public, as its reference of integration checks describes them, under their
// numbers there. Each takes the app and returns what is wrong.

const all = (app, kinds) => kinds.flatMap((kind) => Object.values(app[kind] ?? {}).map((one) => ({ kind, where: `${kind}.${one.key}`, ...one })));
const steps = (app) => all(app, ['triggers', 'searches', 'creates']);
const visible = (app) => steps(app).filter((one) => !one.display.hidden);
const inputs = (app, from = steps(app)) =>
  from.flatMap((one) => (one.operation.inputFields ?? []).map((field) => ({ at: `${one.where}.${field.key}`, kind: one.kind, ...field })));
const texts = (app) => [
  ...steps(app).map((one) => ({ at: one.where, text: one.display.description })),
  ...Object.values(app.searchOrCreates ?? {}).map((one) => ({ at: `searchOrCreates.${one.key}`, text: one.display.description })),
  ...[...inputs(app), ...app.authentication.fields.map((field) => ({ at: `authentication.${field.key}`, ...field }))].map(
    ({ at, helpText = '' }) => ({ at, text: helpText }),
  ),
];
const problems = (rows, wrong, say) => rows.filter(wrong).map((row) => `${row.at ?? row.where} ${say}`);
const outsideCode = (text) => text.replace(/`[^`]*`/g, '');
const letters = (text) => text.toLowerCase().replace(/\W/g, '');
const references = (field) => [field.dynamic, field.search].filter(Boolean).map((reference) => reference.split('.')[0]);

// values yields every value of a sample with its key as Zapier writes it: a__b, and a[]b in lists.
const values = function* (sample, prefix = '') {
  for (const [key, value] of Object.entries(sample ?? {})) {
    const path = prefix + key;
    yield [path, value];
    if (Array.isArray(value)) for (const one of value) yield* values(typeof one === 'object' ? one : {}, `${path}[]`);
    else if (value && typeof value === 'object') yield* values(value, `${path}__`);
  }
};

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d))?$/;
const DATE_LIKE = /^(\d{4}-\d\d-\d\d|\d{1,2} \w{3} \d{4}|\d{1,2}\/\d{1,2}\/\d{4})/;
const SMALL = ['a', 'an', 'and', 'as', 'at', 'by', 'for', 'from', 'in', 'is', 'of', 'on', 'or', 'the', 'to', 'with'];
const titled = (label) => label.split(' ').every((word, index) => (index > 0 && SMALL.includes(word)) || /^[^a-z]/.test(word));
const fits = {
  string: (value) => typeof value === 'string',
  text: (value) => typeof value === 'string',
  integer: Number.isInteger,
  number: Number.isFinite,
  boolean: (value) => typeof value === 'boolean',
  datetime: (value) => ISO.test(value),
};

const checks = {
  'D001 no key is asked for outside the connection': (app) =>
    problems(inputs(app), (field) => /(api_?key|secret|password|token)$/i.test(field.key), 'asks for a credential'),
  'D002 the help of the key has a link': (app) =>
    problems(
      app.authentication.fields.filter((field) => field.type === 'password').map((field) => ({ at: `authentication.${field.key}`, ...field })),
      (field) => !/\[[^\]]+\]\(https:\/\/[^)]+\)/.test(field.helpText ?? ''),
      'has no link',
    ),
  'D003 connections have a label': (app) =>
    /\{\{\w+\}\}/.test(app.authentication.connectionLabel ?? '') ? [] : ['authentication has no label that tells connections apart'],
  'D004 ids come from drop-downs': (app) =>
    problems(inputs(app), (field) => /(_id|Ids?)$/.test(field.key) && !field.dynamic, 'is an id without a drop-down'),
  'D005 drop-downs refer to triggers and their fields': (app) =>
    problems(
      inputs(app),
      (field) => {
        if (!field.dynamic) return false;
        const [key, ...columns] = field.dynamic.split('.');
        const sample = app.triggers[key]?.operation.sample;
        return !sample || columns.some((column) => !(column in sample));
      },
      'refers to a trigger or a field of it that does not exist',
    ),
  'D006 hooks can be listed': (app) =>
    problems(visible(app), (one) => one.operation.type === 'hook' && !one.operation.performList, 'has no performList'),
  'D007 addresses are https': (app) => problems(texts(app), ({ text }) => /http:\/\//.test(text), 'shows an address without https'),
  'D008 links are Markdown': (app) =>
    problems(
      texts(app),
      ({ text }) => /https?:\/\//.test(outsideCode(text).replace(/\[[^\]]+\]\(https?:\/\/[^)\s]+\)/g, '')) || /\[[^\]]*\((?=http)/.test(text),
      'has a bad link',
    ),
  'D009 a search has something to search by': (app) => problems(all(app, ['searches']), (one) => !one.operation.inputFields?.length, 'has no field'),
  'D010 samples have an id': (app) => problems(visible(app), (one) => one.operation.sample?.id === undefined, 'has no id in its sample'),
  'D011 help says more than the label': (app) =>
    problems(inputs(app), (field) => letters(field.helpText ?? '') === letters(field.label), 'repeats its label'),
  'D012 there is a sample': (app) => problems(visible(app), (one) => !Object.keys(one.operation.sample ?? {}).length, 'has no sample'),
  'D013 search buttons refer to searches and their fields': (app) =>
    problems(
      inputs(app),
      (field) => {
        if (!field.search) return false;
        const [key, column] = field.search.split('.');
        return !(column in (app.searches[key]?.operation.sample ?? {}));
      },
      'refers to a search or a field of it that does not exist',
    ),
  'D014 a search button comes with a drop-down': (app) =>
    problems(inputs(app), (field) => field.search && !field.dynamic, 'has a search and no drop-down'),
  'D015 search-or-create refers to both': (app) =>
    Object.values(app.searchOrCreates ?? {})
      .filter((one) => !app.searches[one.search] || !app.creates[one.create])
      .map((one) => `searchOrCreates.${one.key} refers to nothing`),
  'D016, D017 no hook is static': (app) =>
    problems(
      steps(app),
      (one) => one.operation.type === 'hook' && !(one.operation.performSubscribe && one.operation.performUnsubscribe),
      'is a static hook',
    ),
  'D018 labels are in title case': (app) => [
    ...problems(
      [...steps(app), ...Object.values(app.searchOrCreates ?? {}).map((one) => ({ where: `searchOrCreates.${one.key}`, ...one }))],
      (one) => !titled(one.display.label),
      'is not in title case',
    ),
    ...problems(inputs(app), (field) => !titled(field.label), 'is not in title case'),
  ],
  'D021 triggers say when': (app) =>
    problems(
      all(app, ['triggers']),
      (one) => !/^Triggers when .+\.$/.test(one.display.description),
      'does not begin with “Triggers when” or end with a full stop',
    ),
  'D022 creates have fields for all users': (app) =>
    problems(all(app, ['creates']), (one) => !one.operation.inputFields?.some((field) => field.key), 'has none'),
  'D023 times are ISO 8601 with a zone': (app) =>
    visible(app).flatMap((one) =>
      [...values(one.operation.sample)]
        .filter(([, value]) => typeof value === 'string' && DATE_LIKE.test(value) && !ISO.test(value))
        .map(([key]) => `${one.where} has a bad time in ${key}`),
    ),
  'D024 samples fit the output fields': (app) =>
    visible(app).flatMap((one) => {
      const sample = [...values(one.operation.sample)];
      return (one.operation.outputFields ?? []).flatMap((field) => {
        const given = sample.filter(([key, value]) => key === field.key && value !== null);
        if (given.length === 0) return field.required ? [`${one.where} lacks ${field.key}`] : [];
        return given.every(([, value]) => fits[field.type](value)) ? [] : [`${one.where} has another type in ${field.key}`];
      });
    }),
  'D026 the address that a user gives is looked at': (app) =>
    app.authentication.fields.some((field) => field.key === 'baseUrl') && !app.beforeRequest?.length
      ? ['nothing looks at baseUrl before a request']
      : [],
};

module.exports = { checks, inputs, references, steps, values, visible };
