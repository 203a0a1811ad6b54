// What is left of something that was removed.
import type { Removal } from '@conet/sdk/api'
import type { Removed } from '../../lifecycle/index.ts'

/** 202 while a driver is awaited: the record goes when it has confirmed. */
export function removal(state: Removed): { status: 200 | 202; body: Removal } {
  return { status: state === 'gone' ? 200 : 202, body: { state } }
}
