#!/usr/bin/env node
import '../dist/driver.js'
