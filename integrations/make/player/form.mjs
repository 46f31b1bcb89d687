// What Make makes of the values that a person fills in, before a module sees them.
import { ImlError } from './error.mjs';

const absent = (value) => value === undefined || value === null || value === '';

const CONVERT = {
  date: (value) => new Date(value),
  integer: Number,
  uinteger: Number,
  number: Number,
  boolean: (value) => value === true || value === 'true',
};

const filled = (param, value, where) => {
  if (Array.isArray(value)) {
    if (!Array.isArray(param.spec)) return value;
    return value.map((one) => fill(param.spec, one, `${where}${param.name}.`));
  }
  const convert = CONVERT[param.type];
  return convert ? convert(value) : value;
};

// fill returns the values of a form as a module gets them: defaults put in, empty ones left out, dates made. It throws ImlError where a required
// one is missing, and an ordinary error where the form has no such field.
export const fill = (params, given, where = '') => {
  for (const name of Object.keys(given)) {
    if (!params.some((param) => param.name === name)) throw new Error(`The form has no field ${where}${name}.`);
  }
  const values = {};
  for (const param of params) {
    const value = absent(given[param.name]) ? param.default : given[param.name];
    const lacking = absent(value) || (Array.isArray(value) && value.length === 0);
    if (lacking && param.required) throw new ImlError('BundleValidationError', `Missing value of required parameter '${where}${param.name}'.`);
    if (!lacking) values[param.name] = filled(param, value, where);
  }
  return values;
};
