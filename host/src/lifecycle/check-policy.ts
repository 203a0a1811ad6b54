// A policy is looked at before it is on record: by the schema of its driver, and by the driver itself where it can do that
// without an endpoint. So who wrote it hears of a mistake, and not who starts the container.
import { ConetError } from '@conet/sdk'
import type { PolicyDocument } from '../domain/policy.ts'
import type { DriverSession } from './driver-access.ts'
import { callFor } from './driver-call.ts'
import type { Operation } from './host-context.ts'
import { checkPorts } from './policy-ports.ts'
import { inRequest, PolicyRefusal } from './policy-refusal.ts'
import { contentOf } from './retold.ts'

type Written = {
  readonly policy: PolicyDocument
  /** The path of the document in the request. */
  readonly at: string
  /** Whether the network is. */
  readonly isInternal: boolean
}

/** Throws `invalidArgument` that names the fields. Changes nothing. */
export async function checkPolicy(
  session: DriverSession,
  written: Written,
  operation: Operation,
): Promise<void> {
  await session.documents.check('policy', written.policy, written.at)
  await askDriver(session, written, operation)
  checkPorts(session, written)
}

async function askDriver(
  session: DriverSession,
  { policy, at }: Written,
  operation: Operation,
): Promise<void> {
  if (!session.driver.capabilities.methods.includes('policy/check')) return
  try {
    await session.call('policy/check', { policy }, callFor(operation))
  } catch (error) {
    throw ConetError.is(error) ? namedAt(error, at) : error
  }
}

/** The driver speaks of `policy`. */
function namedAt(error: ConetError, at: string): ConetError {
  const { kind, message: words, fields } = error
  const named = fields.map((field) => ({ ...field, path: inRequest(field.path, at) }))
  return new PolicyRefusal(
    kind,
    { at, words },
    { ...contentOf(error), fields: named, operationState: 'not-started' },
  )
}
