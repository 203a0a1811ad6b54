import { describe, expect, it } from 'vitest'
import { Attributes } from '../../../sdk/dist/linux/netlink/attributes.js'
import { PayloadWriter } from '../../../sdk/dist/linux/netlink/payload-writer.js'
import {
  type AttributeTable,
  readAttributes,
  writeAttributes,
} from '../../../sdk/dist/linux/rtnetlink/attribute-table.js'
import { bridgePortTable, usualBridgePort } from '../../../sdk/dist/linux/rtnetlink/bridge-port-settings.js'
import { bridgeTable, usualBridge } from '../../../sdk/dist/linux/rtnetlink/bridge-settings.js'
import {
  fixedVxlanTable,
  usualFixedVxlan,
  usualVxlan,
  vxlanTable,
} from '../../../sdk/dist/linux/rtnetlink/vxlan-settings.js'

const numbers = [0, 1, 2, 31, 200, 255]

/** Values of the kind of the one that is usual. */
function othersOf(key: string, usual: unknown): unknown[] {
  if (typeof usual === 'boolean') return [true, false]
  if (key.endsWith('Seconds')) return [0, 1, 86_400]
  if (typeof usual === 'number') return numbers
  if (key === 'dontFragment') return ['unset', 'set', 'inherit']
  if (key === 'sourcePorts') return ['0-0', '1024-65535']
  if (key === 'groupAddress') return ['01:80:c2:00:00:0e']
  if (key === 'reservedBits') return ['0000000000000000', 'f7ffffff000000ff']
  if (key === 'device') return [7]
  return ['10.0.0.1', 'fd00::1']
}

function readBack<Values extends object>(
  table: AttributeTable<Values>,
  usual: Values,
  change: object,
): Values {
  const writer = new PayloadWriter()
  writeAttributes(table, writer, change)
  return readAttributes(table, usual, new Attributes(writer.finish()))
}

/** `untold`: what a kernel has that does not tell. */
function expectAllRead<Values extends object>(
  table: AttributeTable<Values>,
  usual: Values,
  untold = usual,
): void {
  expect(readBack(table, usual, {})).toEqual(untold)
  for (const [key, value] of Object.entries(usual)) {
    for (const other of othersOf(key, value)) {
      const change = { [key]: other }
      expect(readBack(table, usual, change), `${key} ${other}`).toEqual({ ...untold, ...change })
    }
  }
}

describe('what is written by a table of attributes is what it reads', () => {
  it.each([
    [
      'of a bridge',
      () => expectAllRead(bridgeTable, usualBridge, { ...usualBridge, multicastSnooping: false }),
    ],
    ['of a port', () => expectAllRead(bridgePortTable, usualBridgePort)],
    ['of a vxlan', () => expectAllRead(vxlanTable, usualVxlan)],
    ['of a vxlan, fixed', () => expectAllRead(fixedVxlanTable, usualFixedVxlan)],
  ])('%s', (_, check) => check())

  it('an interval that the kernel keeps in ticks of 4 ms is the same', () => {
    const writer = new PayloadWriter().attributeU64(35, 3124n)
    const { multicastStartupQuerySeconds } = readAttributes(
      bridgeTable,
      usualBridge,
      new Attributes(writer.finish()),
    )
    expect(multicastStartupQuerySeconds).toBe(31.25)
  })
})
