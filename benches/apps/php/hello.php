<?php

echo "hello world";
