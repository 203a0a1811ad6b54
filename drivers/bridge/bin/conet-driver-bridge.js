#!/usr/bin/env node
// Made by `npm run build`.
require('../dist/programs/driver.js')
