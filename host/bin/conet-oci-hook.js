#!/usr/bin/env node
import '../dist/oci-hook/main.js'
