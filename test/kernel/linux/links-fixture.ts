// A connection for each test of a file, and after it a namespace and open files as they were before.
import { readdirSync } from 'node:fs'
import { deleteLink, Rtnl } from '@conet/sdk/linux'
import { beforeEach, expect } from 'vitest'
import { inventory } from '../../support/iproute.ts'

export const namesOf = (links: readonly { name: string }[]) => links.map(({ name }) => name).sort()

const countFiles = () => readdirSync('/proc/self/fd').length

/** To be called once, at the top of the file. */
export function connectForEachTest(take: (rtnl: Rtnl) => void): void {
  beforeEach(() => {
    const before = { inventory: inventory(), openFiles: countFiles() }
    const rtnl = Rtnl.open()
    take(rtnl)
    return async () => {
      await deleteLinks(rtnl)
      rtnl.close()
      // The socket of slow requests is closed behind the last of them.
      await new Promise((resolve) => setImmediate(resolve))
      expect({ inventory: inventory(), openFiles: countFiles() }).toEqual(before)
    }
  })
}

async function deleteLinks(rtnl: Rtnl): Promise<void> {
  for (const { name } of rtnl.links())
    if (name !== 'lo') await rtnl.runSlow(deleteLink(name), { tolerate: ['ENODEV'] })
}
