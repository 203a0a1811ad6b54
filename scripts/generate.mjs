// Writes what is made from the code and committed beside it. Build first; a test fails when a file is not up to date.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { errorPage } from '../host/dist/api/error-page.js'
import { configSchemaDocument } from '../host/dist/conetd/config-schema.js'
import { protocolDocument } from '../sdk/dist/index.js'
import { findProofs, requirementsPage } from '../test/dist/requirements/page.js'
import { protocolPages, rulesOf } from '../test/dist/support/protocol-page.js'
import { exportedNames } from '../test/dist/support/public-api.js'

const root = new URL('..', import.meta.url)
const json = (document) => `${JSON.stringify(document, null, 2)}\n`
const files = {
  'sdk/exports.json': json(exportedNames(fileURLToPath(new URL('sdk', root)))),
  'sdk/protocol.rules.json': json(rulesOf(protocolPages())),
  'sdk/protocol.schema.json': json(protocolDocument()),
  'host/config.schema.json': json(configSchemaDocument()),
  'docs/errors.md': errorPage(),
  'docs/requirements.md': requirementsPage(findProofs()),
}

for (const [path, text] of Object.entries(files)) writeFileSync(new URL(path, root), text)
