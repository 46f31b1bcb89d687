// ImlError is an error as Make shows it: of one of its types, with the app's own sentence.
export class ImlError extends Error {
  constructor(type, message) {
    super(message);
    this.name = 'ImlError';
    this.type = type;
  }
}
