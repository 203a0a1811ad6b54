// What is wrong with the fields of a document, in words: one room for the protocol, the HTTP API, drivers' schemas and
// the command line.
export { fieldErrors, firstFieldError, firstFieldErrors } from './field-errors.ts'
export { type Form, faultOfForm, forms } from './forms.ts'
