import { ConetError } from '@conet/sdk'
import { errorFromWire, errorToWire, UnknownMethodError } from '@conet/sdk/jsonrpc'
import { describe, expect, it } from 'vitest'

describe('an error on the wire', () => {
  it('comes back as the same failure', () => {
    const sent = new ConetError('invalidArgument', 'create network n1: wrong subnet', {
      fields: [{ path: 'subnets[0]', message: 'is not a subnet' }],
      details: { networkId: 'n1' },
      operationState: 'partial',
      help: 'give a prefix',
    })
    const { kind, message, fields, details, operationState, help } = errorFromWire(errorToWire(sent))
    expect({ kind, message, fields, details, operationState, help }).toEqual({
      kind: sent.kind,
      message: sent.message,
      fields: sent.fields,
      details: sent.details,
      operationState: sent.operationState,
      help: sent.help,
    })
  })

  it('has the number, the stable name and what to do next', () => {
    expect(errorToWire(new ConetError('operationPending', 'plug e1: busy'))).toEqual({
      code: 1101,
      message: 'plug e1: busy',
      data: { name: 'operationPending', retryable: true, operationState: 'not-started' },
    })
  })

  it('says nothing of a bug but that there was one', () => {
    const wire = errorToWire(new TypeError('password "hunter2" is not a function'))
    expect(wire).toMatchObject({ code: -32603, message: 'internal error', data: { name: 'internal' } })
    expect(JSON.stringify(wire)).not.toContain('hunter2')
  })

  it('is -32601 for an unknown method, which its caller sees as unsupported', () => {
    const wire = errorToWire(new UnknownMethodError('network/paint: no such method'))
    expect(wire).toMatchObject({ code: -32601, message: 'network/paint: no such method' })
    expect(errorFromWire(wire)).toMatchObject({ kind: 'unsupported', operationState: 'not-started' })
  })

  it.each([
    [-32700, 'protocolViolation'],
    [-32600, 'protocolViolation'],
    [-32602, 'invalidArgument'],
    [-32603, 'internal'],
    [-32000, 'internal'],
    [2042, 'internal'],
  ])('with the foreign number %i becomes %s and keeps number and text', (code, kind) => {
    const error = errorFromWire({ code, message: 'controller says no' })
    expect(error).toMatchObject({
      kind,
      message: 'controller says no',
      details: { wireCode: code, wireMessage: 'controller says no' },
    })
  })

  it("with a driver's own number follows the name or the retryable mark that it carries", () => {
    const named = { code: 2001, message: 'no', data: { name: 'inUse', operationState: 'partial' } }
    expect(errorFromWire(named)).toMatchObject({ kind: 'inUse', operationState: 'partial' })
    const retryable = { code: 2001, message: 'no', data: { name: 'cloudBusy', retryable: true } }
    expect(errorFromWire(retryable)).toMatchObject({
      kind: 'backendUnavailable',
      details: { wireName: 'cloudBusy' },
    })
  })

  it('with nonsense in its data loses the nonsense only', () => {
    const data = { fields: [1, { path: 'a', message: 'b' }], details: [], operationState: 'maybe', help: 3 }
    expect(errorFromWire({ code: 1001, message: 'm', data })).toMatchObject({
      kind: 'invalidArgument',
      fields: [{ path: 'a', message: 'b' }],
      details: {},
      operationState: 'not-started',
      help: undefined,
    })
  })
})
