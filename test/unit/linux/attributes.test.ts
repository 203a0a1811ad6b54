import { Attributes, PayloadWriter } from '@conet/sdk/linux'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

type Tree = { type: number; value: Uint8Array | Tree[] }

const type = fc.integer({ min: 1, max: 0x3fff })
const { tree } = fc.letrec<{ tree: Tree[] }>((tie) => ({
  tree: fc.uniqueArray(
    fc.record({
      type,
      value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, fc.uint8Array({ maxLength: 300 }), tie('tree')),
    }),
    { selector: (attribute) => attribute.type, maxLength: 6 },
  ),
}))

function write(writer: PayloadWriter, attributes: readonly Tree[]): PayloadWriter {
  for (const { type, value } of attributes) {
    if (value instanceof Uint8Array) writer.attributeBytes(type, value)
    else writer.nested(type, (inner) => write(inner, value))
  }
  return writer
}

function expectRead(found: Attributes, attributes: readonly Tree[]): void {
  for (const { type, value } of attributes) {
    if (value instanceof Uint8Array) expect(Uint8Array.from(found.bytes(type) ?? [])).toEqual(value)
    else expectRead(found.nested(type), value)
  }
}

describe('attributes', () => {
  it('come back from the bytes, nested ones too, and padded to four', () => {
    fc.assert(
      fc.property(tree, (attributes) => {
        const bytes = write(new PayloadWriter(), attributes).finish()
        expect(bytes.length % 4).toBe(0)
        expectRead(new Attributes(bytes), attributes)
      }),
    )
  })

  it('of every width come back', () => {
    const name = fc.string({ minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\0'))
    fc.assert(
      fc.property(fc.nat(0xff), fc.nat(0xffff), fc.nat(0xffffffff), name, (u8, u16, u32, text) => {
        const bytes = new PayloadWriter()
          .attributeU8(1, u8)
          .attributeU16(2, u16)
          .attributeU16BigEndian(3, u16)
          .attributeU32(4, u32)
          .attributeString(5, text)
          .attributeBoolean(6, u8 > 7)
          .attributeU32(7, undefined)
          .finish()
        const found = new Attributes(bytes)
        expect([found.u8(1), found.u16(2), found.u16BigEndian(3), found.u32(4)]).toEqual([u8, u16, u16, u32])
        expect([found.string(5), found.boolean(6), found.has(7)]).toEqual([text, u8 > 7, false])
      }),
    )
  })

  it('of any bytes at all are read without an error and without leaving the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const found = new Attributes(Buffer.from(bytes))
        for (let type = 0; type < 64; type++) {
          expect(found.bytes(type)?.length ?? 0).toBeLessThanOrEqual(bytes.length)
          expect(() => [
            found.u32(type),
            found.u8(type),
            found.string(type),
            found.nested(type),
          ]).not.toThrow()
        }
      }),
    )
  })

  it('that are too long for their length field are refused', () => {
    const long = Buffer.alloc(70_000)
    expect(() => new PayloadWriter().attributeBytes(1, long)).toThrow(RangeError)
    expect(() => new PayloadWriter().nested(1, (inner) => inner.bytes(long))).toThrow(RangeError)
  })
})
