// An error as the log has it: what conet expects without a stack, which says nothing there; a bug with it.
import { ConetError } from '@conet/sdk'
import { KernelError } from '@conet/sdk/linux'
import { stdSerializers } from 'pino'

/** Errors that cause each other are cut here. */
const mostCauses = 4

/** Also of what is no error, as it is. */
export function errorInLog(value: unknown): unknown {
  if (!(value instanceof Error)) return value
  if (KernelError.is(value)) return { type: value.name, code: value.code, message: value.message }
  if (!ConetError.is(value)) return stdSerializers.err(value)
  const { kind, message, cause } = value
  return {
    type: value.name,
    kind,
    message,
    ...(cause === undefined ? {} : { cause: textOf(cause, mostCauses) }),
  }
}

function textOf(cause: unknown, left: number): string {
  if (!(cause instanceof Error)) return String(cause)
  const own = `${cause.name}: ${cause.message}`
  return cause.cause === undefined || left === 0 ? own : `${own}: ${textOf(cause.cause, left - 1)}`
}
