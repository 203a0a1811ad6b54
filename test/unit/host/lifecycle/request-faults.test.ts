import { RequestFaults } from '@conet/host/lifecycle/request-faults'
import { ConetError, type ErrorKind } from '@conet/sdk'
import { describe, expect, it } from 'vitest'

function fault(kind: ErrorKind, message: string, path?: string): () => never {
  return () => {
    const fields = path === undefined ? [] : [{ path, message }]
    throw new ConetError(kind, message, { fields, details: { [kind]: message }, help: `mend ${kind}` })
  }
}

describe('what is wrong with a request', () => {
  it('is the one error where one thing is wrong, and nothing where none is', async () => {
    const faults = new RequestFaults()
    expect([faults.of(() => 1), await faults.ofLater(async () => 2), faults.any]).toEqual([1, 2, false])
    faults.throwIfAny()
    expect(faults.of(fault('notFound', 'no network blue', 'network'))).toBeUndefined()
    expect(() => faults.throwIfAny()).toThrow(
      expect.objectContaining({ kind: 'notFound', message: 'no network blue' }),
    )
  })

  it('is one error that has the fields, facts and advice of all, and says of each what it is about', () => {
    const faults = new RequestFaults()
    faults.of(fault('unknownDriver', 'there is no driver x', 'type'))
    faults.of(fault('subnetOverlap', 'subnets[0].subnet: taken', 'subnets[0].subnet'))
    faults.of(fault('subnetOverlap', 'subnets[1].subnet: taken', 'subnets[1].subnet'))
    expect(faults.error).toMatchObject({
      kind: 'invalidArgument',
      message: 'type: there is no driver x; subnets[0].subnet: taken; subnets[1].subnet: taken',
      fields: [{ path: 'type' }, { path: 'subnets[0].subnet' }, { path: 'subnets[1].subnet' }],
      details: { unknownDriver: 'there is no driver x', subnetOverlap: 'subnets[1].subnet: taken' },
      help: 'mend unknownDriver; mend subnetOverlap',
      operationState: 'not-started',
    })
  })

  it('keeps its kind where all are of one, and leaves out what names no field', () => {
    const faults = new RequestFaults()
    faults.of(fault('failedPrecondition', 'not now'))
    faults.of(fault('notFound', 'a: gone', 'a'))
    faults.of(fault('notFound', 'b: gone', 'b'))
    expect(faults.error).toMatchObject({ kind: 'notFound', message: 'a: gone; b: gone' })
  })

  it.each<ErrorKind>(['deadlineExceeded', 'driverUnavailable', 'cancelled'])(
    'is not asked for further after %s, which is no fault of the request',
    async (kind) => {
      const faults = new RequestFaults()
      faults.of(fault('notFound', 'a: gone', 'a'))
      expect(() => faults.of(fault(kind, 'driver x', 'b'))).toThrow(expect.objectContaining({ kind }))
      await expect(faults.ofLater(async () => fault(kind, 'driver x')())).rejects.toMatchObject({ kind })
    },
  )

  it('lets a bug through', () => {
    const faults = new RequestFaults()
    expect(() =>
      faults.of(() => {
        throw new TypeError('a bug')
      }),
    ).toThrow(TypeError)
  })
})
