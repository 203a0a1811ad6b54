import { execFileSync } from 'node:child_process'
import { interfaceCounters } from '@conet/host/sandbox/index'
import { expect, it } from 'vitest'
import { temporaryNamespace } from '../../support/temporary-namespace.ts'

it('[A19] the counters of interfaces are read in their sandbox, summed, and undefined where there is no such interface', () => {
  using temporary = temporaryNamespace()
  const { path, namespace } = temporary
  namespace.run(() => execFileSync('ip', ['link', 'set', 'lo', 'up']))
  const before = interfaceCounters(path, ['lo'])
  namespace.run(() => execFileSync('ping', ['-c', '3', '-i', '0.01', '-q', '127.0.0.1']))
  const after = interfaceCounters(path, ['lo'])
  expect(before?.rxPackets).toBe(0)
  // Requests and answers, each seen as sent and as received.
  expect(after).toMatchObject({ rxPackets: 6, txPackets: 6, rxErrors: 0, txDropped: 0 })
  expect(interfaceCounters(path, ['lo', 'lo', 'eth9'])).toMatchObject({ rxBytes: 2 * (after?.rxBytes ?? 0) })
  expect(interfaceCounters(path, ['eth9'])).toBeUndefined()
})
