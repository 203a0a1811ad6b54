export {
  type CatalogueEntry,
  catalogue,
  type ErrorKind,
  isErrorKind,
  kindOfCode,
  type OperationState,
} from './catalogue.ts'
export { ConetError, type ConetErrorOptions, type FieldError } from './conet-error.ts'
