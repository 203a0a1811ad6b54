// Guardian's five actions as calls of conetd.
import type { ContainerView } from '@conet/sdk/client'
import { ask, Refusal, takeDown } from '../shim/calls.ts'
import { assertLength } from '../shim/handle.ts'
import { runtimeSocketOf } from '../shim/socket-place.ts'
import { withoutOpening } from '../shim/without-opening.ts'
import type { Action, Arguments } from './arguments.ts'
import { type Members, memberOf, membersOf, netInBody, upBody } from './input.ts'
import { upAnswer } from './up-answer.ts'

/** What conetd calls them at the beginning of its messages. */
const operations: Readonly<Record<Action, readonly string[]>> = {
  up: ['up'],
  down: ['down'],
  'net-in': ['net in'],
  'net-out': ['net out'],
  'bulk-net-out': ['net out', 'net out bulk'],
}

/**
 * What Guardian is to read on the standard output: one JSON document. Throws an Error whose message is for people, and goes
 * on after the action and the handle; Misuse of a handle that is none.
 */
export async function run(given: Arguments, input: string): Promise<unknown> {
  const { action, handle } = given
  try {
    return await answerTo(given, input)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new Refusal(withoutOpening(error.message, { operations: operations[action], handle }), error.fields)
  }
}

async function answerTo({ action, handle, socket, timeoutMs }: Arguments, input: string): Promise<unknown> {
  const conetd = { socket: runtimeSocketOf(socket), timeoutMs }
  const said = saidBy(input)
  if (action !== 'down') assertLength(handle)
  const legacy = (call: string, body: unknown) =>
    ask({ ...conetd, path: `/garden/containers/${encodeURIComponent(handle)}/${call}`, body })
  switch (action) {
    case 'down':
      await takeDown(conetd, handle)
      return {}
    case 'net-in':
      return legacy('net/in', netInBody(handle, said))
    case 'net-out':
      return legacy('net/out', memberOf(said, 'netout_rule'))
    case 'bulk-net-out':
      return legacy('net/out/bulk', said.netout_rules === null ? [] : memberOf(said, 'netout_rules'))
    default: {
      const path = `/internal/containers/${encodeURIComponent(handle)}/up`
      // conetd checks its answers against the schema of this type.
      return upAnswer((await ask({ ...conetd, path, body: upBody(said) })) as ContainerView)
    }
  }
}

function saidBy(input: string): Members {
  try {
    return membersOf(input)
  } catch (error) {
    throw new Error(`read the standard input: ${error instanceof Error ? error.message : String(error)}`)
  }
}
