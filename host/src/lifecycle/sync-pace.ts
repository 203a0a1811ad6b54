// In which rhythm a driver hears the pages of a sync: three at a time, so that neither side waits for the other. One is
// worked on, one waits for the driver, and of one the host reads the answer.

/** Under way at once. */
const mostPages = 3

/** What of a page counts for when it is told. */
export type Paced = { readonly more: boolean; readonly networks: readonly unknown[] }

/**
 * Calls `tell` for each page, and resolves when all are done; rejects with the first failure, when none is under way
 * any more. What follows a page with networks waits for it, and the last page, whose answer is about all, for every
 * other. Pages are asked for as late as can be.
 */
export async function tellInPace<P extends Paced>(
  pages: Iterable<P>,
  tell: (page: P) => Promise<void>,
): Promise<void> {
  const underWay: Promise<void>[] = []
  let areNetworksUnderWay = false
  try {
    for (const page of pages) {
      const mustBeAlone = areNetworksUnderWay || page.networks.length > 0 || !page.more
      await untilFewer(underWay, mustBeAlone ? 1 : mostPages)
      areNetworksUnderWay = page.networks.length > 0
      underWay.push(heard(tell(page)))
    }
    await untilFewer(underWay, 1)
  } finally {
    await Promise.allSettled(underWay)
  }
}

async function untilFewer(underWay: Promise<void>[], most: number): Promise<void> {
  while (underWay.length >= most) await underWay.shift()
}

/** It may fail while another is waited for. */
function heard(told: Promise<void>): Promise<void> {
  told.catch(() => undefined)
  return told
}
