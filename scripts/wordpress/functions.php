<?php
// Pictures of a post, as every theme has them.
add_theme_support('post-thumbnails');
