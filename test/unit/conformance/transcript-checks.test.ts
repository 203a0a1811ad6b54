// Checks that judge what was said, on transcripts that are made by hand.
import { allChecks, isTranscriptCheck } from '@conet/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { type Entry, Transcript } from '../../../sdk/dist/conformance/transcript/transcript.js'

function judged(id: string, entries: readonly Entry[]): string[] {
  const check = allChecks.find((candidate) => candidate.id === id)
  if (check === undefined || !isTranscriptCheck(check)) throw new Error(`${id} judges no transcripts`)
  const transcript = new Transcript('kit.test', 1)
  transcript.entries.push(...entries)
  return check.judge(transcript, 1).map(({ message }) => message)
}

function progress(token: string, atMs: number): Entry {
  const message = { jsonrpc: '2.0', method: '$/progress', params: { token, message: 'on it' } }
  return { atMs, kind: 'received', message, bytes: 80 }
}

describe('progress', () => {
  it('four times a second is no haste, also when several calls have progress', () => {
    const one = Array.from({ length: 20 }, (_, n) => progress('a', n * 250))
    const other = Array.from({ length: 20 }, (_, n) => progress('b', n * 250 + 10))
    expect(judged('transcript.progress-pace', [...one, ...other])).toEqual([])
  })

  it('ten times a second is', () => {
    const entries = Array.from({ length: 20 }, (_, n) => progress('a', n * 100))
    expect(judged('transcript.progress-pace', entries)).toEqual(['5 within 500 ms, 20 in all'])
  })
})
