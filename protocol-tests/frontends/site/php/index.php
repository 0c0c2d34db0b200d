<?php // Never run: the kit answers in its place. The text is the secret that no front end may show.
