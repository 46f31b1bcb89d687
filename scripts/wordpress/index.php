<?php
// The theme of the WordPress of scripts/wordpress.sh: what is published, and nothing else.
?><!DOCTYPE html>
<html <?php language_attributes(); ?>>
<head><meta charset="utf-8"><title><?php echo esc_html(wp_get_document_title()); ?></title></head>
<body>
<?php while (have_posts()) : the_post(); ?>
<article>
<h1><?php the_title(); ?></h1>
<?php if (has_post_thumbnail()) { the_post_thumbnail('full'); } ?>
<?php the_content(); ?>
</article>
<?php endwhile; ?>
</body>
</html>
